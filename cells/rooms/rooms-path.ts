const PATH = /^(\/cells\/[^/]+)?\/rooms(\/|$)/

/** Whether embedded rooms answer at a path. Players keep the URL of a slot, which may be another one than that of the cell with the rooms. */
export const isRoomsPath = (path: string): boolean => PATH.test(path)
