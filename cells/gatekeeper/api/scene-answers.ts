// Answers to changes of a scene's administrators, whether one of them asks or a moderator of the platform.

export const noPlace = { description: 'No such scene is deployed, or the places service does not know it.' }

export const adminAdded = {
  204: { description: 'Added, or was one already.' },
  400: { description: 'The wallet is an owner or operator, or is banned from the scene.' },
}

export const adminRemoved = {
  204: { description: 'Removed.' },
  400: { description: 'The wallet is no administrator, or is one by another right.' },
}
