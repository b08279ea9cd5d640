"""The page and the HTTP API of ``kolorit serve``: one process that answers, a few that colour."""
