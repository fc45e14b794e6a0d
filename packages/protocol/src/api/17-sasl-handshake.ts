// SaslHandshake: agrees on a SASL mechanism.
//
// v0 is followed by bare SASL tokens, v1 by SaslAuthenticate requests (KIP-152).
import { array, int16, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const saslHandshakeRequest = message(
  'SaslHandshakeRequest',
  { versions: '0-1', flexible: 'none' },
  {
    mechanism: string('0+'),
  },
)

export const saslHandshakeResponse = message(
  'SaslHandshakeResponse',
  { versions: '0-1', flexible: 'none' },
  {
    errorCode: int16('0+'),
    mechanisms: array('0+', 'string'),
  },
)

export const saslHandshake = api(17, 'SaslHandshake', saslHandshakeRequest, saslHandshakeResponse)
