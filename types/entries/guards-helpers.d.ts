export * from '../guards.js';
