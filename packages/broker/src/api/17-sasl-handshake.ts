// SaslHandshake: refused, since this broker's listeners use no SASL.
//
// Behaviour: as Apache Kafka on a PLAINTEXT listener, which lists this API, answers ILLEGAL_SASL_STATE with no mechanisms, and
// keeps the connection. From the answer a client knows that the port does not use SASL.
import { errorCodes } from '@selfmonitor/protocol'
import type { ApiHandler } from '../request/handler.ts'

export const handleSaslHandshake: ApiHandler<'SaslHandshake'> = () => ({
  errorCode: errorCodes.ILLEGAL_SASL_STATE,
  mechanisms: [],
})
