import { describeError, redact, redactCommandInput, redactUrls } from './redact.js';

/** Names that details can never set on an error or in its data. */
const PROTECTED = new Set(['__proto__', 'constructor', 'prototype', 'name', 'message', 'stack']);

/** Root of all errors of the library. */
export class BaseError extends Error {
  /**
   * @param {object} config members of the error; unknown ones are kept in `data`
   */
  constructor({
    verbose,
    bucket,
    key,
    message,
    code,
    statusCode,
    requestId,
    awsMessage,
    original,
    commandName,
    commandInput,
    metadata,
    description,
    suggestion,
    retriable,
    docs,
    title,
    hint,
    ...rest
  }) {
    const text = message ?? 'Unknown error';
    super(verbose ? `${text}\n\nVerbose:\n\n${JSON.stringify(redact(rest), null, 2)}` : text);
    if (typeof Error.captureStackTrace === 'function') Error.captureStackTrace(this, this.constructor);
    this.name = this.constructor.name;
    this.bucket = bucket;
    this.key = key;
    this.thrownAt = new Date();
    this.code = code;
    this.statusCode = statusCode ?? 500;
    this.requestId = requestId;
    this.awsMessage = awsMessage;
    this.original = original;
    this.commandName = commandName;
    this.commandInput = commandInput;
    this.metadata = metadata;
    this.description = description;
    this.suggestion = suggestion;
    this.retriable = retriable ?? false;
    this.docs = docs;
    this.title = title ?? this.constructor.name;
    this.hint = hint;
    this.data = {
      bucket,
      key,
      ...withoutProto(rest),
      verbose,
      message: text,
      suggestion: this.suggestion,
      retriable: this.retriable,
      docs,
      title: this.title,
      hint
    };
  }

  /**
   * Members in a fixed order, bodies and credentials replaced; `original` is the error itself.
   * @returns {object}
   */
  toJson() {
    return {
      name: this.name,
      message: redactUrls(this.message),
      code: this.code,
      statusCode: this.statusCode,
      requestId: this.requestId,
      awsMessage: this.awsMessage,
      bucket: this.bucket,
      key: this.key,
      thrownAt: this.thrownAt,
      retriable: this.retriable,
      suggestion: this.suggestion,
      docs: this.docs,
      title: this.title,
      hint: this.hint,
      commandName: this.commandName,
      commandInput: redactCommandInput(this.commandInput),
      metadata: this.metadata,
      description: this.description,
      data: redact(this.data),
      original: this.original,
      stack: this.stack
    };
  }

  /**
   * As `toJson`, with `original` reduced to its name, message and transport facts.
   * @returns {object}
   */
  toJSON() {
    const out = this.toJson();
    if (out.original instanceof Error) {
      out.original = out.original instanceof BaseError ? out.original.toJSON() : describeError(out.original);
    } else {
      out.original = redact(out.original);
    }
    return out;
  }

  toString() {
    return `${this.name} | ${this.message}`;
  }
}

/**
 * Base of the published classes. Facts of `details.original` fill what the caller did not give:
 * code, status, request id, message and `$metadata`. Every detail is a member of the error and of
 * `data`.
 */
export class S3dbError extends BaseError {
  /** Status of the class when neither the caller nor the original gives one. */
  static statusCode = 500;
  /** True where the status of the class wins over the original's. */
  static ownStatus = false;
  /** Texts used when the caller passes none. */
  static suggestion = undefined;
  static description = undefined;

  /**
   * @param {string} message
   * @param {object} [details]
   */
  constructor(message, details = {}) {
    const { statusCode: intended, ownStatus, suggestion, description } = new.target;
    const given = details ?? {};
    const facts = given.original ? originalFacts(given.original) : {};
    super({
      ...given,
      message,
      code: given.code ?? facts.code,
      statusCode: given.statusCode ?? (ownStatus ? intended : (facts.statusCode ?? intended)),
      requestId: given.requestId ?? facts.requestId,
      awsMessage: given.awsMessage ?? facts.awsMessage,
      metadata: given.metadata ?? facts.metadata,
      suggestion: given.suggestion ?? suggestion,
      description: given.description ?? description
    });
    for (const name of Object.keys(given)) {
      if (!PROTECTED.has(name) && !(name in this)) this[name] = given[name];
    }
  }
}

function withoutProto(details) {
  return Object.hasOwn(details, '__proto__')
    ? Object.fromEntries(Object.entries(details).filter(([name]) => name !== '__proto__'))
    : details;
}

function originalFacts(original) {
  const transport = original.$metadata;
  return {
    code: original.code || original.Code || original.name,
    statusCode: original.statusCode || transport?.httpStatusCode,
    requestId: original.requestId || transport?.requestId,
    awsMessage: original.message,
    metadata: transport ? { ...transport } : undefined
  };
}
