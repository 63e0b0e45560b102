import { expect, test } from 'vitest'
import { KubeError } from '../../cells/kube/kube-error.ts'
import { failureOf, isEndOfNamespace, longestRetryMs } from './failure.ts'

const failureTo = async (status: number, body: { reason?: string; message?: string }) =>
  (await failureOf(() => Promise.reject(new KubeError('PATCH /x', status, body))))?.failure
const reasonOf = async (...answer: Parameters<typeof failureTo>) => (await failureTo(...answer))?.reason

test.each([
  '.spec.template.spec.affinity.nodeAffinty: field not declared in schema',
  'errors:\n  .spec.template.spec.imagePullSecrets: duplicate entries for key [name="registry"]',
  '.spec.template.spec.affinity: expected map, got &{a}',
])('an object the server cannot read is refused, although the answer has status 500: %s', async (fault) => {
  const message = `failed to create typed patch object (ns/main; apps/v1, Kind=Deployment): ${fault}`
  expect(await reasonOf(500, { message })).toBe('ApplyRefused')
})

test('other server errors may pass', async () => {
  expect(await reasonOf(500, { reason: 'InternalError', message: 'failed calling webhook "x": connection refused' })).toBe(
    'Retrying',
  )
  expect(await reasonOf(500, { message: 'etcdserver: leader changed' })).toBe('Retrying')
  expect(await reasonOf(503, { message: 'failed to create typed patch object' })).toBe('Retrying')
  expect(await reasonOf(422, { reason: 'Invalid', message: 'spec.replicas: Invalid value' })).toBe('ApplyRefused')
})

test('a namespace that is being deleted is the end of its objects, another refusal is not', async () => {
  const failed = (message: string) =>
    failureOf(() => Promise.reject(new KubeError('POST /x', 403, { reason: 'Forbidden', message })))
  const terminating = 'services "x" is forbidden: unable to create new content in namespace y because it is being terminated'
  expect(isEndOfNamespace(await failed(terminating))).toBe(true)
  expect(isEndOfNamespace(await failed('services "x" is forbidden: exceeded quota: q'))).toBe(false)
  expect(isEndOfNamespace(undefined)).toBe(false)
})

test('a field of a cell that its CRD does not know is the fault of that CRD, one of a Deployment is not', async () => {
  const typed = (kind: string, field: string) =>
    `failed to create typed patch object (ns/main; x/v1, Kind=${kind}): ${field}: field not declared in schema`
  expect(await failureTo(500, { message: typed('Deployment', '.spec.template.x') })).toMatchObject({ reason: 'ApplyRefused' })
  expect(await failureTo(500, { message: typed('CommsCell', '.spec.pods.env[name="a.b: c"].x') })).toMatchObject({
    reason: 'CrdOutdated',
    message: expect.stringMatching(
      /^the CRD commscells\.comms\.decentraland\.org .* does not know spec\.pods\.env\.x; apply the CRDs/,
    ),
  })
  const invalid = 'CommsCell.comms.decentraland.org "main-0" is invalid'
  const value = `${invalid}: [spec.exposure.type: Unsupported value: "Gateway": supported values: "None", spec.mode: Unsupported value: "World"]`
  expect(await failureTo(422, { message: value })).toMatchObject({
    message: expect.stringContaining('know spec.exposure.type, spec.mode; '),
  })
  expect(await failureTo(422, { message: `${invalid}: spec: Invalid value: revision is immutable` })).toMatchObject({
    reason: 'ApplyRefused',
  })
})

test.each<[string, number, number, string]>([
  ['a quota', 30_000, 403, 'pods "x" is forbidden: exceeded quota: q'],
  ['a missing right', 30_000, 403, 'services "x" is forbidden: User "y" cannot patch resource "services"'],
  ['a webhook that refuses', 30_000, 400, 'admission webhook "policy.example.org" denied the request: no'],
  [
    'a policy that refuses',
    30_000,
    422,
    "deployments \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
  ],
  ['a kind that is not installed', 30_000, 404, 'the server could not find the requested resource'],
  ['a webhook that is down', 30_000, 500, 'failed calling webhook "x": connection refused'],
  ['an invalid value', 300_000, 422, 'Deployment.apps "x" is invalid: spec.replicas: Invalid value'],
  ['an unknown field', 300_000, 500, 'failed to create typed patch object (a/b): .spec.x: field not declared in schema'],
])('after %s, the next attempt comes within %i ms', (_, expected, status, message) => {
  expect(longestRetryMs(new KubeError('PATCH /x', status, { message }))).toBe(expected)
})

test('after an exception, the next attempt comes within half a minute', () => {
  expect(longestRetryMs(new Error('connect ECONNREFUSED'))).toBe(30_000)
})
