/** Version of the package, written to `s3db.json` as `s3dbVersion`. */
export const VERSION = '0.1.0';

/** @returns {string} version of the package */
export const getVersion = () => VERSION;
