// SaslAuthenticate: carries SASL tokens (KIP-152).
//
// v1 adds the lifetime of the session (KIP-368). v2 is flexible.
import { bytes, int16, int64, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const saslAuthenticateRequest = message(
  'SaslAuthenticateRequest',
  { versions: '0-2', flexible: '2+' },
  {
    authBytes: bytes('0+'),
  },
)

export const saslAuthenticateResponse = message(
  'SaslAuthenticateResponse',
  { versions: '0-2', flexible: '2+' },
  {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    authBytes: bytes('0+'),
    sessionLifetimeMs: int64('1+', { ignorable: true }),
  },
)

export const saslAuthenticate = api(36, 'SaslAuthenticate', saslAuthenticateRequest, saslAuthenticateResponse)
