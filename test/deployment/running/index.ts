// The door of the running proof: a small cluster that starts a chart's pods for real on this machine.
export { missingForCluster } from './requirements.ts'
export type * from './types.ts'
