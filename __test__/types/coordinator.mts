// Coordinators as plugins and applications write them.
import { CoordinatorPlugin, type CoordinatorPluginOptions, type CoordinatorRun, type CoordinatorTerm, type Database } from 's3db-native';

interface ReportOptions extends CoordinatorPluginOptions {
  folder: string;
}

export class Reports extends CoordinatorPlugin<ReportOptions> {
  async onStart(): Promise<void> {
    await this.startCoordination();
  }

  async onBecomeCoordinator({ background, fence, signal }: CoordinatorTerm): Promise<void> {
    background.cron('0 3 * * *', (run) => console.log(run.fence === fence, signal.aborted, this.options.folder));
  }

  async coordinatorWork(run: CoordinatorRun): Promise<void> {
    const { valid, reason } = this.validateEpoch(run.epoch, run.startedAt);
    const known: 'current' | 'grace_period' | 'stale' = reason;
    console.log(valid, known, this.isCoordinator, await this.getLeader(), (await this.getActiveWorkers())[0]?.pod);
  }
}

// @ts-expect-error milliseconds
new Reports({ folder: 'x', leaseTimeout: '15s' });
// @ts-expect-error nobody sets it
new Reports({ folder: 'x' }).isCoordinator = true;

export async function elect(database: Database): Promise<void> {
  const coordinator = await database.getGlobalCoordinator('reports', { autoStart: true, config: { leaseTimeout: 5000 } });
  coordinator.on('promoted', ({ epoch, background }) => background.every(1000, () => console.log(epoch)));
  coordinator.on('leader:changed', ({ newLeader }) => console.log(newLeader === coordinator.workerId));
  const epoch: number = await coordinator.getEpoch();
  console.log(epoch, coordinator.getMetrics().electionCount);
  // @ts-expect-error needs a namespace
  await database.getGlobalCoordinator();
}
