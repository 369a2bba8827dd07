/** The path that the documentation of s3db.js gives for the guard helpers. */
export * from '../../../concerns/guards-helpers.js';
