// SaslAuthenticate: refused, since this broker's listeners use no SASL; the text is that of Apache Kafka on a PLAINTEXT listener.
import { errorCodes } from '@selfmonitor/protocol'
import type { ApiHandler } from '../request/handler.ts'

export const handleSaslAuthenticate: ApiHandler<'SaslAuthenticate'> = () => ({
  errorCode: errorCodes.ILLEGAL_SASL_STATE,
  errorMessage: 'SaslAuthenticate request received after successful authentication',
})
