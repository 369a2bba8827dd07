// A plugin in TypeScript: counts reads of each record, atomically and for all processes, and reports them every minute.
import { type Database, Plugin, type PluginOptions, S3db } from 's3db-native';

interface VisitsOptions extends PluginOptions {
  /** Resource whose reads are counted. */
  resource: string;
  /** Milliseconds between reports. */
  every?: number;
}

class VisitsPlugin extends Plugin<VisitsOptions> {
  override async onInstall(): Promise<void> {
    const storage = this.getStorage();
    const counter = (id: string): string => storage.getPluginKey(this.options.resource, 'visits', id);
    this.addMiddleware(this.options.resource, 'get', async (next, id: string) => {
      const record = await next(id);
      await storage.increment(counter(id));
      return record;
    });
  }

  override onStart(): void {
    this.background.every(this.options.every ?? 60_000, async () => {
      this.emit('visits', await this.visits());
    });
  }

  async visits(): Promise<Record<string, number>> {
    const storage = this.getStorage();
    const keys = await storage.listForResource(this.options.resource, 'visits/');
    const found = await storage.batchGet(keys);
    return Object.fromEntries(found.map(({ key, data }) => [key.split('/').pop() ?? '', Number(data?.value ?? 0)]));
  }
}

async function main(db: Database): Promise<void> {
  await db.connect();
  const pages = await db.createResource<{ title: string }>({ name: 'pages', attributes: { title: 'string|required' } });
  await pages.insert({ id: 'home', title: 'Home' });
  const visits: VisitsPlugin = await db.usePlugin(new VisitsPlugin({ resource: 'pages' }));
  await Promise.all([pages.get('home'), pages.get('home'), pages.get('home')]);
  console.log(await visits.visits());
  await visits.uninstall({ purgeData: true });
  await db.deleteResource('pages', { purgeData: true });
  await db.disconnect();
}

await main(new S3db({ connectionString: process.argv[2] ?? 'memory://examples/visits' }));
