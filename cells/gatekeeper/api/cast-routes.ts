import { z } from 'zod'
import { declare, storableText } from './declaration.ts'

const test = 'cells/gatekeeper/cast/cast.test.ts'
const item = 'the administration item of the SDK'
const website = 'the cast website'
const text = storableText(256)
const livekit = { url: z.string(), token: z.string(), roomId: z.string() }
const withoutLivekit = { 501: { description: 'The realm has no LiveKit.' } }
const tooMany = { 429: { description: 'Too many requests from this address.' } }
const badKey = { 401: { description: 'The key is unknown or expired.' } }
const presenterAnswers = {
  400: { description: 'The metadata names no scene, or the identity is none.' },
  403: { description: 'The caller does not administer the scene.' },
  404: { description: 'There is no key of a stream to the scene.' },
}
const message = z.object({ message: z.string() })

/** Streaming to a scene and watching it from a browser, and who presents there. */
export const castRoutes = {
  streamLink: declare({
    ...{ method: 'GET', path: '/cast/generate-stream-link', authentication: 'signedByScene', isSceneChange: true, test },
    callers: item,
    summary: 'Links with which people stream to the scene from a browser, and watch it.',
    differs: 'Works with a LiveKit without ingress too: the key then opens the room for browsers, and not for RTMP.',
    answers: {
      200: {
        description: 'The links and the key in them.',
        body: z.object({
          ...{ streamLink: z.string(), watcherLink: z.string(), streamingKey: z.string(), placeId: z.string() },
          ...{ placeName: z.string(), expiresAt: z.iso.datetime(), expiresInDays: z.int() },
        }),
      },
      400: { description: 'The metadata names no scene.' },
      403: { description: 'The caller is banned, or does not administer the scene.' },
      404: { description: 'No such scene is deployed.' },
      ...withoutLivekit,
    },
  }),
  streamerToken: declare({
    ...{ method: 'POST', path: '/cast/streamer-token', authentication: 'none', callers: website, test },
    summary: 'The token with which the holder of a key streams to a scene; the identity in the body is a name to show.',
    body: z.strictObject({ token: text, identity: text }),
    answers: {
      200: { description: 'Where to connect, as whom.', body: z.object({ ...livekit, identity: z.string() }) },
      ...{ ...badKey, ...tooMany, ...withoutLivekit },
    },
  }),
  watcherToken: declare({
    ...{ method: 'POST', path: '/cast/watcher-token', authentication: 'optional', callers: website, test },
    summary: 'The token with which a person watches what is streamed to a scene.',
    differs:
      'A request without a signature is that of an anonymous watcher: the website signs none. One who signed is removed from the room with a ban, within a second.',
    body: z.strictObject({ location: text, identity: text, parcel: storableText(32).optional() }),
    answers: {
      200: {
        description: 'Where to connect, as whom.',
        body: z.object({ ...livekit, identity: z.string(), placeName: z.string() }),
      },
      400: { description: 'The location is neither a parcel nor the name of a world.' },
      401: { description: 'The key of the stream expired.' },
      403: { description: 'The caller is banned from the platform or from the scene.' },
      404: { description: 'Nothing is streamed there.' },
      ...{ ...tooMany, ...withoutLivekit },
    },
  }),
  presentationBotToken: declare({
    ...{ method: 'POST', path: '/cast/presentation-bot-token', authentication: 'none', callers: `${website}, ${item}`, test },
    summary: 'The token with which a program presents slides in a scene.',
    body: z.strictObject({ streamingKey: text }),
    answers: {
      200: { description: 'Where to connect.', body: z.object(livekit) },
      ...{ ...badKey, ...tooMany, ...withoutLivekit },
    },
  }),
  streamInfo: declare({
    ...{ method: 'GET', path: '/cast/stream-info/:streamingKey', authentication: 'none', callers: website, test },
    summary: 'The scene that a key is for.',
    differs: 'An unknown or expired key is 404, which the website shows as an invalid link, and not 400.',
    answers: {
      200: {
        description: 'The scene.',
        body: z.object({ placeName: z.string(), placeId: z.string(), location: z.string(), isWorld: z.boolean() }),
      },
      404: { description: 'The key is unknown or expired.' },
      ...tooMany,
    },
  }),
  presenters: declare({
    ...{ method: 'GET', path: '/cast/presenters', authentication: 'signedByScene', callers: item, test },
    summary: 'Who presents in the scene.',
    answers: { 200: { description: 'Identities.', body: z.object({ presenters: z.array(z.string()) }) }, ...presenterAnswers },
  }),
  addPresenter: declare({
    ...{ method: 'PUT', path: '/cast/presenters/:participantIdentity', authentication: 'signedByScene', callers: item, test },
    summary: 'Makes a participant a presenter.',
    differs: 'Addresses are in lower case. At most 100 presenters of a room are kept, in the database: they outlive the room.',
    answers: { 200: { description: 'Is a presenter.', body: message }, ...presenterAnswers },
  }),
  removePresenter: declare({
    ...{ method: 'DELETE', path: '/cast/presenters/:participantIdentity', authentication: 'signedByScene', callers: item, test },
    summary: 'Makes a participant a presenter no more.',
    answers: { 200: { description: 'Is none.', body: message }, ...presenterAnswers },
  }),
}
