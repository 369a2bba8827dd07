export type {
  PluginData,
  PluginLock,
  PluginLockOptions,
  PluginSequence,
  PluginSequenceOptions,
  PluginSetOptions
} from '../plugin-storage.js';
export { PluginStorage, PluginStorage as default } from '../plugin-storage.js';
