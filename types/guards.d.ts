import type { Resource, Stored } from './resource.js';

/** What guards see of a request. */
export interface GuardContext {
  user: any;
  params: Record<string, any>;
  body: any;
  query: Record<string, any>;
  headers: Record<string, any>;
  partitionName: string | null;
  partitionValues: Record<string, any>;
  tenantId: any;
  userId: any;
  /** Restricts the operation to a partition. */
  setPartition(name: string, values?: Record<string, any>): void;
  raw: any;
  [key: string]: any;
}

/** A synchronous guard function. */
export type GuardFunction = (context: any, record?: any) => boolean;
/** A guard function that may wait. */
export type AsyncGuardFunction = (context: any, record?: any) => Promise<boolean>;

export function createExpressContext(req: any): GuardContext;
export function createFastifyContext(request: any): GuardContext;
/** A body that is not JSON becomes `{}`. */
export function createHonoContext(c: any): Promise<GuardContext>;

/** Options of a list with the partition that the guard set; 403 when the guard denies. */
export function applyGuardsToList<O extends object = Record<string, any>>(
  resource: Resource<any>,
  ctx: GuardContext,
  options?: O
): Promise<O & { partition?: string; partitionValues?: Record<string, any> }>;
/** The record, or null when it is missing or the guard denies. */
export function applyGuardsToGet<T>(resource: Resource<T>, ctx: GuardContext, record: Stored<T> | null): Promise<Stored<T> | null>;
/** The data with what guards wrote into `ctx.body`; 403 when the guard denies. */
export function applyGuardsToInsert(resource: Resource<any>, ctx: GuardContext, data: Record<string, any>): Promise<Record<string, any>>;
/** 404 without a record, 403 when the guard denies. */
export function applyGuardsToUpdate(resource: Resource<any>, ctx: GuardContext, record: any): Promise<true>;
/** 404 without a record, 403 when the guard denies. */
export function applyGuardsToDelete(resource: Resource<any>, ctx: GuardContext, record: any): Promise<true>;

/** The user has one of the scopes, or all of them. */
export function requireScopes(required: string | string[], mode?: 'any' | 'all'): GuardFunction;
/** The user has the role, in `role` or `roles`. */
export function requireRole(role: string): GuardFunction;
/** The user has the scope `admin`. */
export function requireAdmin(): GuardFunction;
/** The field of the record names the user; false without a record. */
export function requireOwnership(field?: string): GuardFunction;
/** The field of the record names the tenant; true without a record. */
export function requireTenant(field?: string): GuardFunction;
/** One of the guards allows; asked in order. */
export function anyOf(...guards: (GuardFunction | AsyncGuardFunction)[]): AsyncGuardFunction;
/** Every guard allows; asked in order. */
export function allOf(...guards: (GuardFunction | AsyncGuardFunction)[]): AsyncGuardFunction;
