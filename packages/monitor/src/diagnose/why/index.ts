// What others use of it: gather the evidence, then decide.
export { diagnoseEvent } from './decide.ts'
export { type EventPlace, type GatherOptions, gatherEvidence } from './gather.ts'
export * from './types.ts'
