// CreateAcls: this broker has no authorizer, so it cannot have rules.
//
// Behaviour: SECURITY_DISABLED for each rule, in Kafka's words, as from a controller without `authorizer.class.name`.
import { errorCodes } from '@selfmonitor/protocol'
import type { ApiHandler } from '../request/handler.ts'

export const handleCreateAcls: ApiHandler<'CreateAcls'> = ({ creations }) => ({
  results: creations.map(() => ({
    errorCode: errorCodes.SECURITY_DISABLED,
    errorMessage: 'No Authorizer is configured.',
  })),
})
