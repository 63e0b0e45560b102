import { expect, test } from 'vitest'
import { eventProblemOf } from './pod-event.ts'
import { PodIndex } from './pod-index.ts'
import { podStateOf } from './pod-state.ts'

const anEvent = (reason: string, message: string, kind = 'Pod') =>
  eventProblemOf({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e' },
    involvedObject: { kind, namespace: 'n', name: 'p' },
    reason,
    message,
  })
const problemOf = (...given: Parameters<typeof anEvent>) => anEvent(...given).problem

test('a volume that cannot be mounted is a problem when it cannot pass by itself', () => {
  expect(problemOf('FailedMount', 'MountVolume.SetUp failed for volume "secret-0" : secret "absent" not found')).toEqual({
    code: 'SecretMissing',
    message: 'secret "absent" not found',
    missingSecret: 'absent',
    volume: 'secret-0',
  })
  expect(problemOf('FailedMount', 'references non-existent secret key: apiKey')?.code).toBe('SecretMissing')
  const configMap = 'MountVolume.SetUp failed for volume "config" : configmap "c" not found'
  expect(problemOf('FailedMount', configMap)?.code).toBe('PodsFailing')
  expect(problemOf('FailedMount', 'Unable to attach or mount volumes: timed out')).toBeUndefined()
})

test('a volume that another node holds is a problem', () => {
  const message = 'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node'
  expect(problemOf('FailedAttachVolume', message)).toEqual({
    code: 'PodsFailing',
    message: `a volume cannot be attached: ${message}`,
  })
})

test('pods that a StatefulSet or a Job cannot create are a problem; a Deployment has it in a condition', () => {
  const message = 'create Pod main-nats-0 failed error: pods "main-nats-0" is forbidden: exceeded quota: q'
  expect(problemOf('FailedCreate', message, 'StatefulSet')).toEqual({ code: 'PodsRefused', message })
  expect(problemOf('FailedCreate', message, 'Job')).toEqual({ code: 'PodsRefused', message })
  expect(problemOf('FailedCreate', message, 'ReplicaSet')).toBeUndefined()
})

test('a Secret that lacks a key is named, with the keys that are needed, until a container has run', () => {
  const labels = { 'comms.decentraland.org/realm': 'main', 'app.kubernetes.io/component': 'gatekeeper' }
  const items = [{ key: 'apiKey' }, { key: 'apiSecret' }]
  const pod = (status: object) =>
    podStateOf({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'n', labels },
      spec: { volumes: [{ name: 'tmp' }, { name: 'secret-0', secret: { secretName: 'livekit', items } }] },
      status,
    })
  const index = new PodIndex()
  index.updatePod({ type: 'added', object: pod({}) })
  const problem = () => index.problemOf({ kind: 'Realm', namespace: 'n', name: 'main' }, 'gatekeeper')?.message
  const fails = (why: string) =>
    index.updateEvent({
      type: 'changed',
      object: anEvent('FailedMount', `MountVolume.SetUp failed for volume "secret-0" : ${why}`),
    })
  fails('references non-existent secret key: apiKey')
  expect(problem()).toBe(
    'Secret "livekit" references non-existent secret key: apiKey; these keys of it are needed: apiKey, apiSecret',
  )
  fails('secret "livekit" not found')
  expect(problem()).toBe('secret "livekit" not found; these keys of it are needed: apiKey, apiSecret')
  expect(pod({ containerStatuses: [{ name: 'gatekeeper', state: { running: {} } }] }).secrets).toBeUndefined()
})

test('a sandbox is a problem from the second failure on, with the same message each time, and until a container runs', () => {
  const labels = { 'comms.decentraland.org/realm': 'main', 'app.kubernetes.io/component': 'stats' }
  const pod = (status: object) =>
    podStateOf({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n', labels }, status })
  const index = new PodIndex()
  const pending = pod({})
  index.updatePod({ type: 'added', object: pending })
  const problem = () => index.problemOf({ kind: 'Realm', namespace: 'n', name: 'main' }, 'stats')?.message
  const fails = (id: string) => {
    const message = `Failed to create pod sandbox: failed to setup network for sandbox "${id.repeat(64)}": no network`
    index.updateEvent({ type: 'added', object: anEvent('FailedCreatePodSandBox', message) })
  }
  fails('a')
  expect(problem()).toBeUndefined()
  fails('b')
  const message = 'Failed to create pod sandbox: failed to setup network for sandbox: no network'
  expect(problem()).toBe(message)
  fails('c')
  expect(problem()).toBe(message)
  const running = pod({ containerStatuses: [{ name: 'stats', state: { running: {} } }] })
  index.updatePod({ type: 'changed', object: running, previous: pending })
  expect(problem()).toBeUndefined()
})
