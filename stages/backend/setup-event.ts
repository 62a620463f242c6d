/** What `setUp` is doing; sent often, so that a progress line can be drawn from it. */
export interface SetupEvent {
  /** `wait`: another setup holds the lock. `fetch`, `unpack`: bytes are counted. `compile`: some seconds. */
  readonly step: 'wait' | 'fetch' | 'unpack' | 'compile';
  /** The file or folder that it is about. */
  readonly name: string;
  /** Bytes done so far. */
  readonly done?: number;
  /** Bytes in all. */
  readonly total?: number;
}

/** Takes the events of a setup. */
export type SetupReport = (event: SetupEvent) => void;
