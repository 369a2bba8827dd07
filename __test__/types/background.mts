// Background work as plugins write it.
import {
  Background,
  type BackgroundFailure,
  type BackgroundOutcome,
  CRON_PRESETS,
  type CronJob,
  Database,
  getCronManager,
  getProcessManager,
  intervalToCron,
  ManualClock,
  nextCronDate,
  Plugin
} from 's3db-native';

export class Sweeper extends Plugin {
  async onStart(): Promise<void> {
    const task = this.background.every(1000, async ({ signal, attempt }) => signal.aborted || attempt > 1, {
      overlap: 'queue',
      retries: 1,
      backoff: { base: 10 },
      lease: { name: 'sweep' }
    });
    const outcome: BackgroundOutcome = await task.trigger();
    const next: number | null = task.stats().nextRunAt;
    this.scheduleCron('0 3 * * *', () => {}, 'nightly', { timezone: 'Europe/Berlin' });
    this.scheduleInterval(1000, () => {});
    const stopped: number = await this.stopAllCronJobs();
    console.log(outcome.status, next, stopped, this.cronManager.list());
    // @ts-expect-error no such policy
    this.background.every(1000, () => {}, { overlap: 'maybe' });
    // @ts-expect-error an interval has no time zone
    this.background.every(1000, () => {}, { timeZone: 'UTC' });
  }
}

export async function queues(): Promise<void> {
  const background = new Background({
    clock: new ManualClock(),
    onError: (error, failure: BackgroundFailure) => console.log(error, failure.kind === 'timeout')
  });
  const queue = background.queue<{ id: string }>('q', { key: (item) => item.id, overflow: 'reject' }, async (item, { key }) => {
    console.log(item.id, key);
  });
  await queue.push({ id: 'a' });
  // @ts-expect-error not an item
  await queue.push(5);
  const { dropped } = await queue.stop();
  const leader = background.leader('chief', { onElected: ({ signal }) => signal.aborted });
  const date: Date | null = nextCronDate('@daily', { timeZone: 'UTC', from: new Date() });
  console.log(dropped, leader.isLeader, date);
  await background.stop({ grace: 10 });
}

export async function managers(): Promise<void> {
  const processManager = getProcessManager({ shutdownTimeout: 1000 });
  processManager.setInterval(() => {}, 1000, 'tick');
  processManager.registerCleanup(async () => {}, 'close');
  const cronManager = getCronManager({ disabled: true });
  const job: CronJob = cronManager.schedule(CRON_PRESETS.EVERY_HOUR, ({ signal }) => signal.aborted, 'hourly', { timezone: 'UTC' });
  const database = new Database({ connectionString: 'memory://a/b', processManager, cronManager });
  const names: string[] = database.cronManager.list();
  const expression: string = intervalToCron(60_000);
  console.log(job.name, names, expression, processManager.getStatus().counts.intervals);
  // @ts-expect-error no manager
  new Database({ cronManager: 5 });
  // @ts-expect-error needs a name
  cronManager.schedule('@daily', () => {});
  // @ts-expect-error no such preset
  console.log(CRON_PRESETS.EVERY_CENTURY);
  await processManager.shutdown({ timeout: 10 });
}
