import { EventEmitter } from 'node:events';
import { currentOwner } from './owner-scope.js';

/** Event emitter whose listeners, when a plugin adds them during its installation, go with the plugin. */
export class OwnedEmitter extends EventEmitter {
  on(event, listener) {
    super.on(event, listener);
    return this._owned(event, listener);
  }

  addListener(event, listener) {
    super.addListener(event, listener);
    return this._owned(event, listener);
  }

  prependListener(event, listener) {
    super.prependListener(event, listener);
    return this._owned(event, listener);
  }

  _owned(event, listener) {
    currentOwner()?.track('listener', () => this.removeListener(event, listener));
    return this;
  }
}
