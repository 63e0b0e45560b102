import { z } from 'zod'
import { declare } from './declaration.ts'

const test = 'cells/gatekeeper/streams/streams.test.ts'
const callers = 'the administration item of the SDK, the manage page of decentraland.org'
const isSceneChange = true

const key = {
  200: {
    description: 'The key, and until when it is valid; times in milliseconds.',
    body: z.object({
      ...{ streaming_url: z.string(), streaming_key: z.string() },
      ...{ created_at: z.number(), ends_at: z.number() },
    }),
  },
}
const common = {
  400: { description: 'The metadata names no scene.' },
  401: { description: 'The caller does not administer the scene.' },
  403: { description: 'The caller is banned.' },
  404: { description: 'No such scene is deployed, or it has no key.' },
}
const withoutIngress = { 501: { description: 'The realm has no LiveKit, or one without ingress.' } }

/** Keys with which administrators stream to a scene by RTMP. */
export const streamRoutes = {
  streamAccess: declare({
    ...{ method: 'GET', path: '/scene-stream-access', authentication: 'signedByScene', callers, test },
    summary: 'The key with which the scene is streamed to.',
    differs: 'A key that expired, or belongs to a room that players of the scene are not in, is 404 and not shown.',
    answers: { ...key, ...common },
  }),
  createStreamAccess: declare({
    ...{ method: 'POST', path: '/scene-stream-access', authentication: 'signedByScene', isSceneChange, callers, test },
    summary: 'The key with which the scene is streamed to, made unless there is one.',
    differs: 'A LiveKit without ingress is 501. An RTMP endpoint whose key could not be stored is removed.',
    answers: { ...key, ...common, ...withoutIngress },
  }),
  resetStreamAccess: declare({
    ...{ method: 'PUT', path: '/scene-stream-access', authentication: 'signedByScene', isSceneChange, callers, test },
    summary: 'A new key in place of the one there is, which opens nothing any more.',
    differs:
      'While LiveKit does not answer: 503, and the key stays. Participants who stream with the old key are removed from the room.',
    answers: { ...key, ...common, ...withoutIngress },
  }),
  deleteStreamAccess: declare({
    ...{ method: 'DELETE', path: '/scene-stream-access', authentication: 'signedByScene', callers, test },
    summary: 'Ends the key of the scene, and what is streamed with it.',
    differs: 'Succeeds while LiveKit does not answer: the RTMP endpoint is removed later. Notifications are not sent.',
    answers: { 204: { description: 'Ended.' }, 400: common[400], 401: common[401], 404: common[404] },
  }),
}
