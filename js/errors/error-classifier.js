export const RETRIABLE = 'RETRIABLE';
export const NON_RETRIABLE = 'NON_RETRIABLE';

const NON_RETRIABLE_NAMES = new Set([
  'ValidationError',
  'StateMachineError',
  'SchemaError',
  'AuthenticationError',
  'PermissionError',
  'BusinessLogicError',
  'InvalidStateTransition'
]);
const NON_RETRIABLE_STATUS = new Set([400, 401, 403, 404, 405, 406, 409, 410, 422]);
function matches(error, list) {
  const message = typeof error.message === 'string' ? error.message : '';
  return list.some((entry) => entry === error.code || entry === error.name || message.includes(entry));
}

/** Tells whether trying again can help. */
// biome-ignore lint/complexity/noStaticOnlyClass: a published class.
export class ErrorClassifier {
  /**
   * The first rule that applies decides; an error that no rule knows is retriable.
   * @param {any} error
   * @param {{ retryableErrors?: string[], nonRetriableErrors?: string[] }} [options] entries are codes, names or parts of messages
   * @returns {'RETRIABLE' | 'NON_RETRIABLE'}
   */
  static classify(error, { retryableErrors = [], nonRetriableErrors = [] } = {}) {
    if (!error) return NON_RETRIABLE;
    if (matches(error, retryableErrors)) return RETRIABLE;
    if (matches(error, nonRetriableErrors)) return NON_RETRIABLE;
    if (error.retriable === false) return NON_RETRIABLE;
    if (error.retriable === true) return RETRIABLE;
    if (NON_RETRIABLE_NAMES.has(error.name)) return NON_RETRIABLE;
    if (NON_RETRIABLE_STATUS.has(error.statusCode ?? error.$metadata?.httpStatusCode)) return NON_RETRIABLE;
    // Network, throttling, conflict and 5xx errors are retriable, and so is whatever no rule names.
    return RETRIABLE;
  }

  static isRetriable(error, options) {
    return ErrorClassifier.classify(error, options) === RETRIABLE;
  }

  static isNonRetriable(error, options) {
    return ErrorClassifier.classify(error, options) === NON_RETRIABLE;
  }
}
