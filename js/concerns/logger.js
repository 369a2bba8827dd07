/** Loggers as the library uses them. */
export { createLogger, createLogger as default, LEVELS } from '../util/logger.js';
