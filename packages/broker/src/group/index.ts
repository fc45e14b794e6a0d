// The door of `group/`: what `startBroker` opens and the group APIs call.
export { GroupWaitError } from './commit-waits.ts'
export { groupConfigOf } from './config.ts'
export { type GroupCoordinator, openGroupCoordinator } from './coordinator.ts'
export { offsetsTopic, topicGroupLog } from './topic-log.ts'
export type * from './types.ts'
