// DeleteAcls: this broker has no authorizer, so it has no rules.
//
// Behaviour: SECURITY_DISABLED for each filter, in Kafka's words, as from a controller without `authorizer.class.name`.
import { errorCodes } from '@selfmonitor/protocol'
import type { ApiHandler } from '../request/handler.ts'

export const handleDeleteAcls: ApiHandler<'DeleteAcls'> = ({ filters }) => ({
  filterResults: filters.map(() => ({
    errorCode: errorCodes.SECURITY_DISABLED,
    errorMessage: 'No Authorizer is configured.',
    matchingAcls: [],
  })),
})
