/** Warnings raised by resources, delivered as `db:warning` where a database is attached. */
import { warnOnce } from '../util/warn.js';

/** The first write of a secret under the default passphrase warns once. */
export function warnDefaultPassphrase(resource) {
  resource._warnPassphrase = false;
  warnOnce(resource.database, {
    code: 'DEFAULT_PASSPHRASE',
    resource: resource.name,
    message: `Resource '${resource.name}' stores secret attributes under the default passphrase; set 'passphrase' on the database or the resource.`
  });
}
