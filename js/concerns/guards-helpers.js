/**
 * Guards of resources in any web framework: contexts of a request, runners, and makers of guard functions (spec/03 section 16,
 * spec/27 section 9.4).
 */

import { ResourceError, ValidationError } from '../errors/index.js';

/**
 * What guards see of a request.
 * @typedef {{ user: any, params: object, body: any, query: object, headers: object, partitionName: string | null,
 *   partitionValues: object, tenantId: any, userId: any, setPartition: (name: string, values: object) => void, raw: any }} GuardContext
 */

/** @returns {GuardContext} */
function contextOf({ user, params, body, query, headers, raw }) {
  return {
    user: user ?? null,
    params: params ?? {},
    body: body ?? {},
    query: query ?? {},
    headers: headers ?? {},
    partitionName: null,
    partitionValues: {},
    tenantId: null,
    userId: null,
    /** Restricts the operation to a partition. */
    setPartition(name, values = {}) {
      this.partitionName = name;
      this.partitionValues = values;
    },
    raw
  };
}

/**
 * Context of an Express request; `raw` is the request.
 * @param {any} req
 * @returns {GuardContext}
 */
export function createExpressContext(req) {
  return contextOf({ ...pick(req), raw: req });
}

/**
 * Context of a Fastify request; `raw` is the request.
 * @param {any} request
 * @returns {GuardContext}
 */
export function createFastifyContext(request) {
  return contextOf({ ...pick(request), raw: request });
}

const pick = ({ user, params, body, query, headers }) => ({ user, params, body, query, headers });

/**
 * Context of a Hono request; `raw` is Hono's context. A body that is not JSON becomes `{}`.
 * @param {any} c
 * @returns {Promise<GuardContext>}
 */
export async function createHonoContext(c) {
  let body;
  try {
    body = await c.req.json();
  } catch {
    body = {};
  }
  const headers = typeof c.req.header === 'function' ? c.req.header() : c.req.raw?.headers && Object.fromEntries(c.req.raw.headers);
  return contextOf({ user: c.get('user'), params: c.req.param(), body, query: c.req.query(), headers, raw: c });
}

function forbidden(resource, operation) {
  return new ResourceError(`Forbidden: Guard denied access to ${operation}`, {
    resourceName: resource.name,
    operation,
    statusCode: 403,
    code: 'FORBIDDEN',
    suggestion: `Check the guard of '${resource.name}' for '${operation}' and the roles and scopes of the user.`
  });
}

/**
 * Options of a list with the partition that the guard set.
 * @param {any} resource
 * @param {GuardContext} ctx
 * @param {object} [options]
 * @returns {Promise<object>}
 * @throws {ResourceError} 403 when the guard denies
 */
export async function applyGuardsToList(resource, ctx, options = {}) {
  if (!(await resource.executeGuard('list', ctx))) throw forbidden(resource, 'list');
  if (!ctx.partitionName) return options;
  return { ...options, partition: ctx.partitionName, partitionValues: ctx.partitionValues };
}

/**
 * The record, or null when it is missing or the guard denies.
 * @param {any} resource
 * @param {GuardContext} ctx
 * @param {any} record
 */
export async function applyGuardsToGet(resource, ctx, record) {
  if (!record) return null;
  return (await resource.executeGuard('get', ctx, record)) ? record : null;
}

/**
 * The data with what guards wrote into `ctx.body`.
 * @param {any} resource
 * @param {GuardContext} ctx
 * @param {object} data
 * @throws {ResourceError} 403 when the guard denies
 */
export async function applyGuardsToInsert(resource, ctx, data) {
  if (!(await resource.executeGuard('insert', ctx))) throw forbidden(resource, 'insert');
  return ctx.body && typeof ctx.body === 'object' ? { ...data, ...ctx.body } : data;
}

async function applyToExisting(resource, ctx, record, operation) {
  if (!record) {
    throw new ResourceError('Resource not found', { resourceName: resource.name, operation, statusCode: 404, code: 'RESOURCE_NOT_FOUND' });
  }
  if (!(await resource.executeGuard(operation, ctx, record))) throw forbidden(resource, operation);
  return true;
}

/**
 * @param {any} resource
 * @param {GuardContext} ctx
 * @param {any} record the stored record
 * @returns {Promise<true>}
 * @throws {ResourceError} 404 without a record, 403 when the guard denies
 */
export const applyGuardsToUpdate = (resource, ctx, record) => applyToExisting(resource, ctx, record, 'update');

/** As `applyGuardsToUpdate`, for deletes. */
export const applyGuardsToDelete = (resource, ctx, record) => applyToExisting(resource, ctx, record, 'delete');

const scopesOf = (user) => (Array.isArray(user?.scopes) ? user.scopes : String(user?.scope ?? '').split(' ')).filter(Boolean);

/**
 * Guard: the user has one of the scopes, or all of them.
 * @param {string[] | string} required
 * @param {'any' | 'all'} [mode]
 */
export function requireScopes(required, mode = 'any') {
  if (mode !== 'any' && mode !== 'all') {
    throw new ValidationError(`Unknown mode '${mode}' of requireScopes`, { field: 'mode', value: mode, suggestion: 'Use any or all.' });
  }
  const wanted = [required].flat();
  return (ctx) => {
    if (!ctx?.user) return false;
    const scopes = scopesOf(ctx.user);
    return mode === 'all' ? wanted.every((scope) => scopes.includes(scope)) : wanted.some((scope) => scopes.includes(scope));
  };
}

/** Guard: the user has the role, in `role` or `roles`. */
export function requireRole(role) {
  return ({ user } = {}) => {
    if (!user) return false;
    return user.role === role || (Array.isArray(user.roles) && user.roles.includes(role));
  };
}

/** Guard: the user has the scope `admin`. */
export const requireAdmin = () => requireScopes(['admin']);

/** Guard: the field of the record names the user (`sub`, else `id`); false without a record. */
export function requireOwnership(field = 'userId') {
  return ({ user } = {}, record = null) => {
    const id = user?.sub || user?.id;
    return Boolean(id) && Boolean(record) && record[field] === id;
  };
}

/** Guard: the field of the record names the tenant of the context or of the user; true without a record. */
export function requireTenant(field = 'tenantId') {
  return (ctx = {}, record = null) => {
    if (!record) return true;
    const tenant = ctx.tenantId || ctx.user?.tenantId || ctx.user?.tid;
    return Boolean(tenant) && record[field] === tenant;
  };
}

/** Guard: one of the guards allows; asked in order. */
export function anyOf(...guards) {
  return async (ctx, record) => {
    for (const guard of guards) if ((await guard(ctx, record)) === true) return true;
    return false;
  };
}

/** Guard: every guard allows; asked in order. */
export function allOf(...guards) {
  return async (ctx, record) => {
    for (const guard of guards) if ((await guard(ctx, record)) !== true) return false;
    return true;
  };
}
