// What others use of the diagnosis.
export { type CheckCode, checks } from './checks/index.ts'
export { type DiagnoseOptions, diagnose } from './diagnose.ts'
export { secondLook } from './second-look.ts'
export * from './types.ts'
export * from './why/index.ts'
