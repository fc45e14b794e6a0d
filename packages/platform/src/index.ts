// The package's one door.
export { type ApplyOptions, type ApplyProgress, applyPlan, planPlatform } from './apply.ts'
export { formatProblem, PlatformError, type PlatformErrorCode } from './errors.ts'
export { platformJsonSchema } from './format.ts'
export { type LiveState, type LiveSubject, type LiveTopic, subjectOf } from './live.ts'
export { defaultEnvironment, type LoadOptions, loadPlatform } from './load.ts'
export { computePlan, type PlanOptions } from './plan.ts'
export { type PlanColors, type PlanFormat, renderPlan } from './render.ts'
export type * from './types.ts'
