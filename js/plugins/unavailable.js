/**
 * Plugins of s3db.js that this version does not have yet. Their names are exported, so that code which imports them
 * loads; using one says so at once instead of doing nothing.
 */
import { PluginError } from '../errors/index.js';
import { Plugin } from '../plugin/plugin.js';

class UnavailablePlugin extends Plugin {
  constructor() {
    super();
    throw new PluginError(`${this.name} is not available in this version of s3db-native`, {
      pluginName: this.name,
      operation: 'constructor',
      code: 'PLUGIN_NOT_AVAILABLE',
      statusCode: 501,
      retriable: false,
      suggestion: 'See the table of plugins in the README for what this version has; leave the plugin out until then.'
    });
  }
}

export class ApiPlugin extends UnavailablePlugin {
  static pluginName = 'ApiPlugin';
}

export class BackupPlugin extends UnavailablePlugin {
  static pluginName = 'BackupPlugin';
}

export class CloudInventoryPlugin extends UnavailablePlugin {
  static pluginName = 'CloudInventoryPlugin';
}

export class CookieFarmPlugin extends UnavailablePlugin {
  static pluginName = 'CookieFarmPlugin';
}

export class CookieFarmSuitePlugin extends UnavailablePlugin {
  static pluginName = 'CookieFarmSuitePlugin';
}

export class EventualConsistencyPlugin extends UnavailablePlugin {
  static pluginName = 'EventualConsistencyPlugin';
}

export class FullTextPlugin extends UnavailablePlugin {
  static pluginName = 'FullTextPlugin';
}

export class GeoPlugin extends UnavailablePlugin {
  static pluginName = 'GeoPlugin';
}

export class IdentityPlugin extends UnavailablePlugin {
  static pluginName = 'IdentityPlugin';
}

export class ImporterPlugin extends UnavailablePlugin {
  static pluginName = 'ImporterPlugin';
}

export class MLPlugin extends UnavailablePlugin {
  static pluginName = 'MLPlugin';
}

export class PuppeteerPlugin extends UnavailablePlugin {
  static pluginName = 'PuppeteerPlugin';
}

export class QueueConsumerPlugin extends UnavailablePlugin {
  static pluginName = 'QueueConsumerPlugin';
}

export class RelationPlugin extends UnavailablePlugin {
  static pluginName = 'RelationPlugin';
}

export class ReplicatorPlugin extends UnavailablePlugin {
  static pluginName = 'ReplicatorPlugin';
}

export class S3QueuePlugin extends UnavailablePlugin {
  static pluginName = 'S3QueuePlugin';
}

export class SchedulerPlugin extends UnavailablePlugin {
  static pluginName = 'SchedulerPlugin';
}

export class SpiderSuitePlugin extends UnavailablePlugin {
  static pluginName = 'SpiderSuitePlugin';
}

export class StateMachinePlugin extends UnavailablePlugin {
  static pluginName = 'StateMachinePlugin';
}

export class TfStatePlugin extends UnavailablePlugin {
  static pluginName = 'TfStatePlugin';
}

export class VectorPlugin extends UnavailablePlugin {
  static pluginName = 'VectorPlugin';
}
