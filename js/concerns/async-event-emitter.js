export { AsyncEventEmitter, AsyncEventEmitter as default } from '../util/async-event-emitter.js';
