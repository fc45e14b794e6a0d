// DescribeAcls: this broker has no authorizer, so it has no rules.
//
// Behaviour: SECURITY_DISABLED, in Kafka's words, as from a broker without `authorizer.class.name`.
import { errorCodes } from '@selfmonitor/protocol'
import type { ApiHandler } from '../request/handler.ts'

export const handleDescribeAcls: ApiHandler<'DescribeAcls'> = () => ({
  errorCode: errorCodes.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured on the broker',
})
