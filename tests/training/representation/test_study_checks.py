"""study_checks.py: one clear error for each value that makes no sense, before anything runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kolorit.errors import ConfigInvalid
from kolorit.training.representation.study import Study

Make = Callable[..., Study]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("px=30", "px = 30"),
        ("px=8", "px = 8"),
        ("training.crop=64", r"training\.crop = 64"),
        ("training.lr=nan", r"training\.lr = nan"),
        ("training.seeds=[]", r"training\.seeds is empty"),
        ("training.seeds=[0, 1, 0]", r"training\.seeds has 0 twice"),
        ("training.seeds=[0, -1]", r"training\.seeds = \[0, -1\]"),
        ("training.schedule=step", r"training\.schedule = 'step'"),
        ("probe.seeds=[2, 2]", r"probe\.seeds has 2 twice"),
        ("probe.seeds=[-3]", r"probe\.seeds = \[-3\]"),
        ("probe.kinds=['knn']", r"probe\.kinds = 'knn'"),
        ("probe.kinds=['linear', 'linear']", r"probe\.kinds has linear twice"),
        ("probe.fractions=[0.0]", r"probe\.fractions"),
        ("probe.fractions=[nan]", r"probe\.fractions"),
        ("probe.fractions=[0.5, 1, 0.5]", r"probe\.fractions has 0\.5 twice"),
        ("probe.map_fractions=[2.0]", r"probe\.map_fractions"),
        ("probe.map_fractions=[1.0, 1.0]", r"probe\.map_fractions has 1\.0 twice"),
        ("probe.weight_decays=[-0.1]", r"probe\.weight_decays = -0\.1"),
        ("probe.weight_decays=[1e-3, nan]", r"probe\.weight_decays = nan"),
        ("probe.weight_decays=[inf]", r"probe\.weight_decays = inf"),
        ("probe.weight_decays=[1e-3, 0.001]", r"probe\.weight_decays has 0\.001 twice"),
        ("probe.stages=['latent', 'latent']", r"probe\.stages has latent twice"),
        ("probe.map_stages=['mid', 'mid']", r"probe\.map_stages has mid twice"),
        ("probe.steps=-1", r"probe\.steps = -1"),
        ("split.development=0.5", "leave no labels"),
        ("split.development=0.0", r"several probe\.weight_decays"),
        ("grey=red", "grey = 'red'"),
        ("decoder=none", "decoder = 'none'"),
        ("net.latent=0", r"net\.latent = 0"),
        ("net.channels=3", r"net\.channels = 3"),
        ("net.groups=0", r"net\.groups = 0"),
        ("net.groups=3", r"net\.widths = \[4, 8, 8\]"),
        ("net.widths=[4, 6, 8]", r"net\.widths = \[4, 6, 8\]"),
        ("net.widths=[0, 8, 8]", r"net\.widths = \[0, 8, 8\]"),
        ("net.widths=[]", r"net\.widths is empty"),
        ("net.layers=0", r"net\.layers = 0"),
        ("baseline=none", "arm = 'none'"),
        ("compare=[['raw', 'cooked']]", "arm = 'cooked'"),
        ("only=['cooked']", "arm = 'cooked'"),
        ("arms={}", "without arms|arm = "),
        ('arms."a/b".features=rgb', "arm is called"),
        ("arms.raw.features=vision", r"arms\.raw\.features = 'vision'"),
        ("arms.raw.pretext=ab", "features = 'grey' with pretext = 'ab'"),
        ("arms.raw.kinds=['knn']", r"arms\.raw\.kinds = 'knn'"),
        ("arms.raw.kinds=['linear', 'linear']", r"arms\.raw\.kinds has linear twice"),
        ("arms.raw.size=-1", r"arms\.raw\.size = -1"),
        ("arms.raw.size=1025", r"arms\.raw\.size = 1025"),
        ("arms.raw.side=-4", r"arms\.raw\.side = -4"),
        ("arms.raw.side=2000", r"arms\.raw\.side = 2000"),
        ("arms.colour.pretext=none", "features = 'pretext' with pretext = 'none'"),
        ("arms.colour.pretext=sound", "no pretext 'sound'"),
        ("arms.colour.losses.hinge=1", "'ab' has no loss 'hinge'"),
        ("arms.colour.losses.l1=-1", r"arms\.colour\.losses\.l1 = -1"),
        ("arms.colour.losses.l1=nan", r"arms\.colour\.losses\.l1 = nan"),
        ("arms.colour.penalties.l0=1", "penalty = 'l0'"),
        ("arms.colour.penalties.kernel_l2=-1", r"arms\.colour\.penalties\.kernel_l2 = -1"),
        ("arms.colour.feature_penalties.l0=1", "feature penalty = 'l0'"),
        ("arms.colour.feature_penalties.l2=inf", r"arms\.colour\.feature_penalties\.l2 = inf"),
        ("arms.raw.penalties.kernel_l2=1", "an encoder that is not taught"),
        ("arms.raw.probe_penalties.l0=1", "penalty = 'l0'"),
        ("arms.raw.probe_penalties.kernel_l2=nan", r"arms\.raw\.probe_penalties\.kernel_l2 = nan"),
        ("arms.raw.probe_feature_penalties.kernel_l2=1", "feature penalty = 'kernel_l2'"),
        ("arms.raw.probe_feature_penalties.l2=-2", r"arms\.raw\.probe_feature_penalties\.l2 = -2"),
        ("probe.penalties.l0=1", "penalty = 'l0'"),
        ("probe.penalties.kernel_l2=-1", r"probe\.penalties\.kernel_l2 = -1"),
        ("probe.feature_penalties.l0=1", "feature penalty = 'l0'"),
        ("probe.feature_penalties.l2=nan", r"probe\.feature_penalties\.l2 = nan"),
    ],
)
def test_what_makes_no_sense_is_told(study: Make, change: str, cause: str) -> None:
    with pytest.raises(ConfigInvalid, match=cause) as told:
        study(change)
    assert told.value.remedy and told.value.remedy != ConfigInvalid.remedy
    assert told.value.file


@pytest.mark.parametrize(
    ("changes", "cause", "known"),
    [
        (["probe.stages=['middle']"], r"probe\.stages = 'middle'", "conv_in, down1"),
        (["probe.stages=['dec_in']"], r"probe\.stages = 'dec_in'", "latent."),
        (["probe.stages=['down4']"], r"probe\.stages = 'down4'", "down3, mid"),
        (["probe.map_stages=['middle']"], r"probe\.map_stages = 'middle'", "latent, pixels"),
        (["probe.map_stages=['s8']"], r"probe\.map_stages = 's8'", "latent, pixels"),
        (["arms.raw.stages=['latent']"], r"arms\.raw\.stages = 'latent'", "pixels."),
        (["arms.colour.stages=['up1']"], r"arms\.colour\.stages = 'up1'", "latent."),
        (["arms.colour.stages=['mid', 'mid']"], r"arms\.colour\.stages has mid twice", "once"),
        (  # the random encoder has no decoder
            ["decoder=seed", "probe.stages=['up1']"],
            *(r"probe\.stages = 'up1'", "latent."),
        ),
    ],
)
def test_a_stage_that_no_source_has_is_told(
    study: Make, changes: list[str], cause: str, known: str
) -> None:
    with pytest.raises(ConfigInvalid, match=cause) as told:
        study(*changes)
    assert known in told.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        ["probe.stages=['up1', 'dec_mid']", "decoder=seed", "only=['colour']", "baseline=colour"],
        ["probe.stages=['down4']", "only=['raw']", "baseline=raw"],  # nobody asks for it
        ["probe.stages=['down4']", "arms.random.stages=['mid']", "arms.colour.stages=['mid']"],
        ["probe.map_stages=['dec_in']", "decoder=seed"],
        ["probe.map_stages=['mid', 's8']", "arms.other.features=imagenet"],
        ["probe.map_stages=[]"],
        ["probe.weight_decays=[0.0]", "arms.colour.losses={ l1 = 1, l2 = 0 }"],
        ["arms.raw.size=1024", "arms.raw.side=0"],
    ],
)
def test_what_makes_sense_is_taken(study: Make, changes: list[str]) -> None:
    study(*changes)
