/** Counts of the request pool of a client (spec/12 section C.7); a client without one counts nothing. */

const EVENTS = { 'pool:taskStarted': 'tasksStarted', 'pool:taskCompleted': 'tasksCompleted', 'pool:taskFailed': 'tasksFailed' };

/** All counts at zero; times in milliseconds. */
const blankPool = () => ({
  tasksStarted: 0,
  tasksCompleted: 0,
  tasksFailed: 0,
  tasksRetried: 0,
  totalExecutionTime: 0,
  avgExecutionTime: 0
});

export class PoolCounters {
  constructor() {
    /** Since the process began. */
    this.totals = blankPool();
  }

  /** Follows the pool of a client; returns how to stop. */
  follow(client) {
    if (typeof client?.on !== 'function' || !client.pool) return () => {};
    const listeners = { 'pool:taskRetried': () => this.#add('tasksRetried') };
    for (const [event, name] of Object.entries(EVENTS)) listeners[event] = ({ duration }) => this.#add(name, duration);
    for (const [event, listener] of Object.entries(listeners)) client.on(event, listener);
    return () => {
      for (const [event, listener] of Object.entries(listeners)) client.off(event, listener);
    };
  }

  #add(name, duration = 0) {
    const { totals } = this;
    totals[name] += 1;
    totals.totalExecutionTime += duration;
    const ended = totals.tasksCompleted + totals.tasksFailed;
    totals.avgExecutionTime = ended === 0 ? 0 : totals.totalExecutionTime / ended;
  }
}
