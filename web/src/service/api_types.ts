// Written by tools/api_types.mjs from docs/openapi.json.

/** What is wrong, for people to read. */
export interface Error {
  readonly error: string;
}

export interface Job {
  /** A UUID; ComfyUI's prompt_id. */
  readonly id: string;
  readonly project: string;
  /** Who submitted it. */
  readonly user: string;
  readonly state: "queued" | "running" | "done" | "failed" | "cancelled";
  /** It is queued, and waits until it is resumed. */
  readonly held: boolean;
  /** Jobs with lower numbers run first. */
  readonly number: number;
  readonly title: string;
  /** The API it came by: comfyui, a1111, … */
  readonly source: string;
  readonly client_id: string;
  readonly node_count: number;
  readonly result_count: number;
  /** How often it was started. */
  readonly attempts: number;
  /** Why it failed; empty unless it did. */
  readonly error: string;
  /** Milliseconds since 1970, as are all times. */
  readonly created_ms: number;
  /** 0: not yet. */
  readonly started_ms: number;
  /** 0: not yet. */
  readonly finished_ms: number;
  /** Of the device's memory, the most that the job will hold if nothing else is loaded, known from its plan before it runs. 0: not planned, which only the next few jobs are; a `job` event tells when one was. */
  readonly planned_bytes: number;
  /** The most that it may hold. 0: not planned. */
  readonly budget_bytes: number;
  /** The most that its networks held at one time, without what earlier jobs left prepared. 0: it has not ended, or not begun. */
  readonly peak_bytes: number;
}

export interface JobDetail {
  /** A UUID; ComfyUI's prompt_id. */
  readonly id: string;
  readonly project: string;
  /** Who submitted it. */
  readonly user: string;
  readonly state: "queued" | "running" | "done" | "failed" | "cancelled";
  /** It is queued, and waits until it is resumed. */
  readonly held: boolean;
  /** Jobs with lower numbers run first. */
  readonly number: number;
  readonly title: string;
  /** The API it came by: comfyui, a1111, … */
  readonly source: string;
  readonly client_id: string;
  readonly node_count: number;
  readonly result_count: number;
  /** How often it was started. */
  readonly attempts: number;
  /** Why it failed; empty unless it did. */
  readonly error: string;
  /** Milliseconds since 1970, as are all times. */
  readonly created_ms: number;
  /** 0: not yet. */
  readonly started_ms: number;
  /** 0: not yet. */
  readonly finished_ms: number;
  /** Of the device's memory, the most that the job will hold if nothing else is loaded, known from its plan before it runs. 0: not planned, which only the next few jobs are; a `job` event tells when one was. */
  readonly planned_bytes: number;
  /** The most that it may hold. 0: not planned. */
  readonly budget_bytes: number;
  /** The most that its networks held at one time, without what earlier jobs left prepared. 0: it has not ended, or not begun. */
  readonly peak_bytes: number;
  /** Of the job that is running; null for others. */
  readonly progress: {
    readonly node: string;
    readonly value: number;
    readonly max: number;
  } | null;
  /** In API form. */
  readonly workflow: { readonly [key: string]: unknown };
  /** In the editor's form; null if it did not come with one. */
  readonly editor: { readonly [key: string]: unknown } | null;
  /** Ids of the output nodes that run. */
  readonly targets: readonly string[];
  /** What output nodes showed, by node id, as in ComfyUI's history. */
  readonly outputs: { readonly [key: string]: unknown };
  /** As in ComfyUI's history. */
  readonly messages: readonly unknown[];
  readonly results: readonly Result[];
}

export interface JobList {
  readonly jobs: readonly Job[];
  /** How many there are on all pages. */
  readonly total: number;
  readonly offset: number;
}

export interface NewJob {
  /** In API form, or in the editor's. */
  readonly workflow: { readonly [key: string]: unknown };
  /** The editor's form of it, kept in the images. */
  readonly editor?: { readonly [key: string]: unknown };
  readonly title?: string;
  /** The WebSocket client of /ws that is told about it. */
  readonly client_id?: string;
  /** Only these output nodes. */
  readonly targets?: readonly string[];
  readonly number?: number;
  /** Before all that wait. */
  readonly front?: boolean;
  /** Waits until it is resumed. */
  readonly held?: boolean;
}

export interface Submitted {
  readonly job: Job;
  readonly warnings: readonly string[];
  /** Of outputs that are left out because they are not sound. */
  readonly node_errors: { readonly [key: string]: unknown };
}

/** A workflow that cannot run. */
export interface Refused {
  readonly error: string;
  /** By node id, as ComfyUI's. */
  readonly node_errors: { readonly [key: string]: unknown };
}

/** One of the two. */
export interface Move {
  /** The id of a job that waits. */
  readonly before?: string;
  readonly to?: "front" | "back";
}

/** `running` is left out while nothing runs. */
export interface Queue {
  readonly paused: boolean;
  readonly queued: number;
  readonly held: number;
  readonly running?: Job;
}

export interface Cleared {
  /** How many jobs. */
  readonly cancelled: number;
}

export interface Result {
  readonly id: number;
  readonly job: string;
  readonly node: string;
  readonly project: string;
  /** SHA-256 of the file. */
  readonly digest: string;
  readonly filename: string;
  readonly subfolder: string;
  readonly media_type: string;
  readonly bytes: number;
  readonly width: number;
  readonly height: number;
  readonly created_ms: number;
  /** Of the file itself, below this server. */
  readonly url: string;
  readonly thumbnail_url: string;
}

export interface ResultList {
  readonly results: readonly Result[];
  readonly total: number;
  readonly offset: number;
}

export interface Model {
  /** checkpoints, loras, … */
  readonly kind: string;
  /** As workflows write it. */
  readonly name: string;
  readonly bytes: number;
  readonly modified_ms: number;
  /** It is part of the program. */
  readonly inside: boolean;
  /** When the image beside the file, its preview, was changed; 0: there is none. */
  readonly preview_ms: number;
}

export interface ImportedModel {
  readonly model: Model;
  /** What the file turned out to be: "SDXL base", "LoRA of 722 layers". */
  readonly title: string;
}

export interface ModelFacts {
  readonly model: Model;
  /** "SDXL base", "LoRA of 722 layers"; empty where nothing is known. */
  readonly title: string;
  /** Why the file is of no use as this kind of model; empty if it is. */
  readonly error: string;
  /** SHA-256, once a job has used it; empty before. */
  readonly digest: string;
  /** As the files name.json and name.civitai.info beside it say. */
  readonly trigger_words: readonly string[];
  /** As the file name.json beside it says. */
  readonly description: string;
}

export interface MemoryPlan {
  /** Of the device's memory, the most that it would hold if nothing else is loaded. */
  readonly planned_bytes: number;
  /** The most that it may hold. */
  readonly budget_bytes: number;
}

export interface ModelList {
  readonly models: readonly Model[];
  readonly kinds: readonly string[];
}

export interface Release {
  readonly models?: boolean;
  readonly results?: boolean;
}

export interface Project {
  readonly name: string;
  readonly title: string;
  readonly created_ms: number;
  readonly jobs: number;
  readonly results: number;
}

export interface ProjectList {
  readonly projects: readonly Project[];
}

export interface NewProject {
  readonly name: string;
  readonly title?: string;
}

export interface User {
  readonly name: string;
  readonly role: "owner" | "artist" | "viewer";
  /** Those it may see; an owner sees all. */
  readonly projects: readonly string[];
  readonly created_ms: number;
}

export interface UserList {
  readonly users: readonly User[];
}

export interface NewUser {
  readonly name: string;
  readonly role: "owner" | "artist" | "viewer";
  readonly projects?: readonly string[];
}

export interface UserToken {
  readonly user: User;
  /** Shown this once: the server keeps only its digest. */
  readonly token: string;
}

export interface Login {
  readonly token: string;
}

export interface Session {
  readonly user: string;
  readonly role: "owner" | "artist" | "viewer";
  readonly project: string;
  readonly projects: readonly string[];
}

export interface Info {
  readonly name: string;
  readonly version: string;
  readonly session: Session;
  readonly limits: {
    readonly body_bytes: number;
    readonly upload_bytes: number;
  };
}

export interface AuditEntry {
  readonly id: number;
  readonly time_ms: number;
  readonly user: string;
  readonly project: string;
  /** job.submit, job.start, job.done, project.delete, … */
  readonly action: string;
  /** A job's id, a project's or a user's name. */
  readonly subject: string;
  /** Of job.start: the models it names; of job.done: the digests of its results. */
  readonly detail: { readonly [key: string]: unknown };
}

export interface AuditList {
  readonly entries: readonly AuditEntry[];
  readonly total: number;
  readonly offset: number;
}

/** A message of the WebSocket. */
export interface Event {
  readonly type: "hello" | "job" | "removed" | "progress" | "queue" | "model";
  readonly session?: Session;
  readonly job?: Job;
  readonly id?: string;
  readonly node?: string;
  readonly value?: number;
  readonly max?: number;
  readonly queue?: Queue;
  readonly model?: Model;
}
