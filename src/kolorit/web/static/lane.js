// One call at a time, the latest wins: of calls that wait, only the newest is ever made.

/** failed: takes whatever a task throws, but for its own abort. */
export function makeLane(failed) {
  let running = null;
  let waiting = null;

  async function start(task) {
    running = new AbortController();
    try {
      await task(running.signal);
    } catch (error) {
      if (error.name !== "AbortError") failed(error);
    }
    running = null;
    const next = waiting;
    waiting = null;
    if (next) start(next);
  }

  return {
    /** task: takes an AbortSignal. at once: what runs is aborted, else it may end. */
    run(task, { atOnce = true } = {}) {
      if (!running) {
        start(task);
        return;
      }
      waiting = task;
      if (atOnce) running.abort();
    },
    stop() {
      waiting = null;
      running?.abort();
    },
    get busy() {
      return running !== null;
    },
  };
}
