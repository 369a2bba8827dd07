// One process among several that elect a coordinator. What it does comes as JSON argument; it prints a JSON line for each
// thing that happened, with the time of the machine's monotonic clock, which all processes share.
//
//   { connectionString, clockSkew, options }
import { setImmediate as turn } from 'node:timers/promises';
import { CoordinatorPlugin, Database, PluginStorage } from '../../../js/index.js';

const { connectionString, clockSkew, options } = JSON.parse(process.argv[2]);
const tell = (t, facts) => process.stdout.write(`${JSON.stringify({ t, at: Number(process.hrtime.bigint() / 1000n), ...facts })}\n`);

class Chief extends CoordinatorPlugin {
  /** The storage of a machine whose clock is wrong. */
  getStorage() {
    this._storage ??= new PluginStorage(this.database.client, this.slug, { now: () => Date.now() + clockSkew });
    return this._storage;
  }

  async onStart() {
    await this.startCoordination();
  }

  async coordinatorWork({ fence, signal }) {
    // As long as this process may believe that it leads.
    while (!signal.aborted && this.isCoordinator) {
      tell('leads', { fence });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  onStopBeingCoordinator({ fence }) {
    tell('resigned', { fence });
  }
}

const database = new Database({ connectionString, plugins: [new Chief(options)] });
await database.connect();
tell('ready');
const hold = setInterval(() => {}, 1000);
// Whoever started this process is gone.
process.stdin.once('end', () => process.exit(1));
process.stdin.once('data', async () => {
  await database.disconnect();
  clearInterval(hold);
  process.stdin.removeAllListeners('end').destroy();
  await turn();
  tell('gone');
});
