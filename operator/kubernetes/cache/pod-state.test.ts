import { expect, test } from 'vitest'
import { type LivePod, mountProblemOf, podStateOf } from './pod-state.ts'

const aPod = (status: LivePod['status'], metadata: object = {}): LivePod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace: 'n',
    labels: { 'comms.decentraland.org/realm': 'main', 'app.kubernetes.io/component': 'stats' },
    ...metadata,
  },
  ...(status && { status }),
})
const waiting = (reason: string, message = '', lastState = {}) =>
  aPod({ containerStatuses: [{ image: 'realm:1', state: { waiting: { reason, message } }, lastState }] })
const problemOf = (pod: LivePod) => podStateOf(pod).problem

test('a pod belongs to the cell it names, else to the realm', () => {
  expect(podStateOf(aPod({})).owner).toEqual({ kind: 'Realm', name: 'main' })
  const labels = { 'comms.decentraland.org/realm': 'main', 'comms.decentraland.org/cell': 'main-0' }
  expect(podStateOf(aPod({}, { labels })).owner).toEqual({ kind: 'CommsCell', name: 'main-0' })
  expect(podStateOf(aPod({}, { labels: {} })).owner).toBeUndefined()
})

test('a starting, a ready and a terminating pod have no problem', () => {
  expect(problemOf(aPod(undefined))).toBeUndefined()
  expect(problemOf(waiting('ContainerCreating'))).toBeUndefined()
  expect(podStateOf(aPod({ conditions: [{ type: 'Ready', status: 'True' }] }))).toMatchObject({ ready: true, problem: undefined })
  const terminating = waiting('CrashLoopBackOff')
  expect(problemOf({ ...terminating, metadata: { ...terminating.metadata, deletionTimestamp: 'now' } })).toBeUndefined()
})

test('each way to fail has a message', () => {
  expect(problemOf(waiting('CreateContainerConfigError', 'secret "livekit" not found'))).toEqual({
    code: 'SecretMissing',
    message: 'secret "livekit" not found',
  })
  expect(problemOf(waiting('ImagePullBackOff', 'Back-off pulling'))).toEqual({
    code: 'PodsFailing',
    message: 'the image realm:1 cannot be pulled',
  })
  const crashed = { terminated: { exitCode: 2, message: 'NATS_URL: required\n' } }
  expect(problemOf(waiting('CrashLoopBackOff', '', crashed))?.message).toBe(
    'the process keeps ending with code 2: NATS_URL: required',
  )
  const full = { terminated: { exitCode: 137, reason: 'OOMKilled' } }
  expect(problemOf(waiting('CrashLoopBackOff', '', full))?.message).toBe('the process keeps ending: out of memory')
  const unschedulable = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }
  expect(problemOf(aPod({ conditions: [unschedulable] }))?.message).toBe('no node takes the pod: 0/3 nodes are available')
})

test('only Events about mounts that cannot pass by themselves are problems', () => {
  const about = (message: string) =>
    mountProblemOf({ apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, involvedObject: {}, message })
  expect(about('MountVolume.SetUp failed for volume "secret-0" : secret "absent" not found')).toEqual({
    code: 'SecretMissing',
    message: 'secret "absent" not found',
  })
  expect(about('references non-existent secret key: apiKey')?.code).toBe('SecretMissing')
  expect(about('MountVolume.SetUp failed for volume "config" : configmap "c" not found')?.code).toBe('PodsFailing')
  expect(about('Unable to attach or mount volumes: timed out')).toBeUndefined()
})
