// The exports of `group/`, for `startBroker` and the group APIs.
export { GroupWaitError } from './commit-waits.ts'
export { groupConfigOf } from './config.ts'
export { type GroupCoordinator, openGroupCoordinator } from './coordinator.ts'
export { offsetsTopic, topicGroupLog } from './topic-log.ts'
export type * from './types.ts'
