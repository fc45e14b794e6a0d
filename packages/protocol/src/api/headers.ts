// Request and response headers.
//
// Request v1 is the one of old versions, v2 of flexible ones; the client id keeps its old encoding in both, so that a broker
// can read it whatever the version. Response v1 is the flexible one.
import { int16, int32, message, string } from '../codec/declaration.ts'

export const requestHeader = message(
  'RequestHeader',
  { versions: '1-2', flexible: '2+' },
  {
    requestApiKey: int16('0+'),
    requestApiVersion: int16('0+'),
    correlationId: int32('0+'),
    clientId: string('1+', { nullable: '1+', flexible: 'none' }),
  },
)

export const responseHeader = message(
  'ResponseHeader',
  { versions: '0-1', flexible: '1+' },
  {
    correlationId: int32('0+'),
  },
)
