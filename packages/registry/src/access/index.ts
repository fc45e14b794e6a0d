// The exports of this folder: who calls, and what they may do. yaml and jose are loaded by `openAccess` alone, see server/start.ts.
export type { Login } from './authenticate.ts'
export { type Need, needOf, needs, rowOf } from './needs.ts'
export type { Access, AccessOptions } from './open.ts'
export { type Caller, type Grant, mayOnContext, mayOnSubject, type Right, seesContext } from './rights.ts'
export { DeniedError, visibleState, visibleStore } from './visible-store.ts'
