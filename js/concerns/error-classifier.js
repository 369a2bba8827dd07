export { ErrorClassifier, ErrorClassifier as default, NON_RETRIABLE, RETRIABLE } from '../errors/error-classifier.js';
