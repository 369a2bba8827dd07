/** Guards: framework-neutral access rules, consulted by the API layer and never by CRUD methods. */

/**
 * Guard configuration as an object by operation, or null. What is no such object is the rule of every operation: a function
 * decides, a text denies as every unknown rule does.
 */
export function normalizeGuard(guard) {
  if (!guard) return null;
  return Array.isArray(guard) || typeof guard !== 'object' ? { '*': guard } : guard;
}

/** Whether the guard of `resource` allows the operation. */
export async function executeGuard(resource, operation, context, record = null) {
  const guard = resource.guard;
  if (!guard) return true;
  const rule = Object.hasOwn(guard, operation) && guard[operation] !== undefined ? guard[operation] : guard['*'];
  if (rule === undefined) return true;
  if (typeof rule === 'boolean') return rule;
  if (Array.isArray(rule)) return resource._checkRolesScopes(rule, context?.user);
  if (typeof rule === 'function') {
    try {
      return (await rule(context, record)) === true;
    } catch (error) {
      console.error(`[Guard] rule for '${operation}' of resource '${resource.name}' failed: ${error?.message ?? error}`);
      return false;
    }
  }
  return false;
}

/** True when any required entry is among the scopes or roles of the user. */
export function checkRolesScopes(required, user) {
  if (!user) return false;
  const granted = new Set();
  if (typeof user.scope === 'string') for (const scope of user.scope.split(' ')) if (scope !== '') granted.add(scope);
  const client = user.azp || process.env.CLIENT_ID || 'default';
  const access = user.resource_access;
  const clientRoles = access && Object.hasOwn(access, client) ? access[client]?.roles : undefined;
  for (const roles of [clientRoles, user.realm_access?.roles, user.roles]) {
    if (Array.isArray(roles)) for (const role of roles) granted.add(role);
  }
  return required.some((entry) => granted.has(entry));
}
