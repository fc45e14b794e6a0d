// DescribeAcls: the authorizer's rules that match a filter (KIP-140).
//
// v1 adds the pattern type (KIP-290). v2 is flexible. v3 adds the resource type user (KIP-373).
import { array, int8, int16, int32, message, string } from '../codec/declaration.ts'
import { api } from './api.ts'

export const describeAclsRequest = message(
  'DescribeAclsRequest',
  { versions: '1-3', flexible: '2+' },
  {
    resourceTypeFilter: int8('0+'),
    resourceNameFilter: string('0+', { nullable: '0+' }),
    patternTypeFilter: int8('1+', { default: 3 }),
    principalFilter: string('0+', { nullable: '0+' }),
    hostFilter: string('0+', { nullable: '0+' }),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
)

export const describeAclsResponse = message(
  'DescribeAclsResponse',
  { versions: '1-3', flexible: '2+' },
  {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    resources: array('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      patternType: int8('1+', { default: 3 }),
      acls: array('0+', {
        principal: string('0+'),
        host: string('0+'),
        operation: int8('0+'),
        permissionType: int8('0+'),
      }),
    }),
  },
)

export const describeAcls = api(29, 'DescribeAcls', describeAclsRequest, describeAclsResponse)
