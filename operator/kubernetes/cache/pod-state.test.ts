import { expect, test } from 'vitest'
import { type LivePod, podStateOf } from './pod-state.ts'

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
    missingSecret: 'livekit',
  })
  expect(problemOf(waiting('ImagePullBackOff', 'Back-off pulling image "realm:1"'))).toEqual({
    code: 'PodsFailing',
    message: 'the image realm:1 cannot be pulled',
    isImageMissing: true,
  })
  const why = 'failed to resolve reference "realm:1": dial tcp: read udp 10.0.0.1:41235->10.96.0.10:53: i/o timeout'
  const pull =
    'the image realm:1 cannot be pulled: failed to resolve reference "realm:1": dial tcp: read udp 10.96.0.10:53: i/o timeout'
  expect(problemOf(waiting('ErrImagePull', why))?.message).toBe(pull)
  expect(problemOf(waiting('ImagePullBackOff', `Back-off pulling image "realm:1": ErrImagePull: ${why}`))?.message).toBe(pull)
  const crashed = { terminated: { exitCode: 2, message: 'NATS_URL: required\n' } }
  expect(problemOf(waiting('CrashLoopBackOff', '', crashed))?.message).toBe(
    'the process keeps ending with code 2: NATS_URL: required',
  )
  const full = { terminated: { exitCode: 137, reason: 'OOMKilled' } }
  expect(problemOf(waiting('CrashLoopBackOff', '', full))?.message).toBe('the process keeps ending: out of memory')
  const unschedulable = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }
  expect(problemOf(aPod({ conditions: [unschedulable] }))?.message).toBe('no node takes the pod: 0/3 nodes are available')
})

test.each([
  ['ImageInspectError', { isImageMissing: true }],
  ['ErrImageNeverPull', { isImageMissing: true }],
  ['RegistryUnavailable', { isImageMissing: true }],
  ['SignatureValidationFailed', { isImageMissing: true }],
  ['CreateContainerError', {}],
  ['RunContainerError', {}],
  ['PostStartHookError', {}],
  ['AReasonOfALaterRelease', {}],
])('a container that waits for %s is a problem with the words of the kubelet', (reason, more) => {
  expect(problemOf(waiting(reason, 'because'))).toEqual({ code: 'PodsFailing', message: `${reason}: because`, ...more })
  expect(problemOf(waiting(reason))?.message).toBe(`${reason}: the image is realm:1`)
})

test('init containers and injected containers are reported by name', () => {
  const crashing = { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1 } } }
  const starting = { name: 'stats', state: { waiting: { reason: 'PodInitializing' } } }
  const message = 'container istio-init: the process keeps ending with code 1'
  const status = { initContainerStatuses: [{ name: 'istio-init', ...crashing }], containerStatuses: [starting] }
  expect(problemOf(aPod(status))?.message).toBe(message)
  const running = { name: 'stats', state: { running: {} } }
  expect(problemOf(aPod({ containerStatuses: [running, { name: 'istio-init', ...crashing }] }))?.message).toBe(message)
  expect(problemOf(aPod({ containerStatuses: [{ name: 'stats', ...crashing }] }))?.message).not.toContain('container')
})

test('a scheduler that fails in any way is a problem', () => {
  const scheduled = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'waiting for quota' }
  expect(problemOf(aPod({ conditions: [scheduled] }))?.message).toBe('no node takes the pod: waiting for quota')
})

test('a sidecar that outlives the migration is named with its remedy', () => {
  const labels = { 'comms.decentraland.org/realm': 'main', 'app.kubernetes.io/component': 'migration' }
  const proxy = { name: 'istio-proxy', state: { running: {} } }
  const migration = (exitCode: number) => ({ name: 'migration', state: { terminated: { exitCode } } })
  const pod = (...containerStatuses: object[]) => podStateOf(aPod({ containerStatuses }, { labels }))
  expect(pod(migration(0), proxy)).toMatchObject({
    migrated: true,
    problem: {
      code: 'PodsFailing',
      message: expect.stringMatching(/container istio-proxy .*sidecar\.istio\.io\/inject: "false"/),
    },
  })
  expect(pod(migration(0))).toMatchObject({ migrated: true, problem: undefined })
  expect(pod(migration(1), proxy)).toMatchObject({ migrated: false, problem: undefined })
  expect(pod({ name: 'migration', state: { running: {} } }, proxy)).toMatchObject({ migrated: false, problem: undefined })
})

test('a process that keeps ending is a problem while it runs again, until its pod was ready', () => {
  const terminated = { exitCode: 3, finishedAt: '2026-11-21T08:00:00Z' }
  const again = (startedAt: string, unreadySince: string) =>
    problemOf(
      aPod({
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: unreadySince }],
        containerStatuses: [{ name: 'stats', state: { running: { startedAt } }, lastState: { terminated } }],
      }),
    )
  expect(again('2026-11-21T08:00:10Z', '2026-11-21T07:00:00Z')?.message).toBe('the process keeps ending with code 3')
  expect(again('2026-11-21T08:00:01Z', '2026-11-21T07:00:00Z')).toBeUndefined() // the first time it is started again at once
  expect(again('2026-11-21T08:00:10Z', '2026-11-21T09:00:00Z')).toBeUndefined()
})

test('a problem that may pass by itself has the time since when', () => {
  const since = Date.parse('2026-11-21T08:00:00Z')
  const scheduled = { type: 'PodScheduled', status: 'False', message: 'none', lastTransitionTime: '2026-11-21T08:00:00Z' }
  expect(problemOf(aPod({ conditions: [scheduled] }))?.since).toBe(since)
  const pulling = (reason: string) =>
    problemOf(
      aPod({ startTime: '2026-11-21T08:00:00Z', containerStatuses: [{ image: 'realm:1', state: { waiting: { reason } } }] }),
    )
  for (const reason of ['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable']) expect(pulling(reason)?.since).toBe(since)
  for (const reason of ['InvalidImageName', 'ErrImageNeverPull', 'CrashLoopBackOff'])
    expect(pulling(reason)).toEqual(expect.not.objectContaining({ since }))
})
