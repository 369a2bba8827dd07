// A plugin in about fifty lines: it changes records before they are stored and adds a method to a resource.
import { Plugin, S3db, ValidationError } from 's3db-native';

class MyCustomPlugin extends Plugin {
  constructor(options = {}) {
    super(options);
    this.name = 'MyCustomPlugin';
    this.version = '1.0.0';

    // Validate configuration
    if (!options.resource) {
      throw new ValidationError('MyCustomPlugin requires a target resource', {
        statusCode: 400,
        retriable: false,
        suggestion: 'Pass { resource: "my-resource" } when instantiating the plugin.'
      });
    }

    this.config = {
      ...this.getDefaultConfig(),
      ...options
    };
  }

  getDefaultConfig() {
    return {
      enabled: true,
      verbose: false
    };
  }

  async onSetup() {
    // Called when plugin is attached to database
    // Access database via this.database
    await this.initialize();
  }

  async onStart() {
    // Called after setup is complete
    this.emit('plugin.started', { name: this.name });
  }

  async onStop() {
    // Cleanup when plugin is stopped
    this.removeAllListeners();
    await this.cleanup();
  }

  async initialize() {
    // Custom initialization logic
    this.setupHooks();
    this.addResourceMethods();
  }

  setupHooks() {
    this.database.addHook('beforeInsert', async (data) => {
      // Intercept insert operations
      return this.processInsert(data);
    });
  }

  addResourceMethods() {
    const resource = this.database.resources[this.config.resource];
    if (!resource) return;

    // Add custom methods to resource
    resource.customMethod = async (...args) => {
      return this.handleCustomMethod(...args);
    };
  }

  // What a user of the pattern writes:

  processInsert(data) {
    return { ...data, name: data.name.trim() };
  }

  async handleCustomMethod(greeting) {
    const people = await this.database.resources[this.config.resource].list();
    return people.map(({ name }) => `${greeting}, ${name}!`);
  }

  async cleanup() {}
}

const db = new S3db({ connectionString: process.argv[2] ?? 'memory://examples/plugins' });
await db.connect();
const people = await db.createResource({ name: 'people', attributes: { name: 'string|required' } });
const plugin = await db.usePlugin(new MyCustomPlugin({ resource: 'people' }));

await people.insert({ name: '  Ada  ' });
console.log(await people.customMethod('Hello'));

await plugin.uninstall();
console.log(typeof people.customMethod, Object.keys(db.plugins));
await db.deleteResource('people', { purgeData: true });
await db.disconnect();
