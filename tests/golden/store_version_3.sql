-- What Obscura before leases (schema version 3) wrote, killed while its third job ran: sqlite3 obscura.db .dump
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE jobs (
  sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT NOT NULL UNIQUE,
  project      TEXT NOT NULL,
  user         TEXT NOT NULL,
  number       REAL NOT NULL,
  state        INTEGER NOT NULL,
  held         INTEGER NOT NULL DEFAULT 0,
  title        TEXT NOT NULL,
  source       TEXT NOT NULL,
  client_id    TEXT NOT NULL,
  node_count   INTEGER NOT NULL,
  result_count INTEGER NOT NULL DEFAULT 0,
  attempts     INTEGER NOT NULL DEFAULT 0,
  error        TEXT NOT NULL DEFAULT '',
  created_ms   INTEGER NOT NULL,
  started_ms   INTEGER NOT NULL DEFAULT 0,
  finished_ms  INTEGER NOT NULL DEFAULT 0
, planned_bytes INTEGER NOT NULL DEFAULT 0, budget_bytes INTEGER NOT NULL DEFAULT 0, peak_bytes INTEGER NOT NULL DEFAULT 0);
INSERT INTO jobs VALUES(1,'00000000-0000-4000-8000-000000000001','default','owner',0.0,2,0,'a red ball','comfyui','c',6,1,1,'',1796107135059,1796107135059,1796107135695,102880812,18530574336,102880812);
INSERT INTO jobs VALUES(2,'00000000-0000-4000-8000-000000000002','default','owner',1.0,2,0,'a red ball','comfyui','',6,1,1,'',1796107138068,1796107138069,1796107138163,102880812,18530574336,76527916);
INSERT INTO jobs VALUES(3,'00000000-0000-4000-8000-000000000003','default','owner',2.0,1,0,'a red ball','comfyui','',6,0,1,'',1796107140091,1796107140092,0,0,0,0);
INSERT INTO jobs VALUES(4,'00000000-0000-4000-8000-000000000004','default','owner',-3.0,0,0,'a red ball','comfyui','',6,0,0,'',1796107141093,0,0,0,0,0);
INSERT INTO jobs VALUES(5,'00000000-0000-4000-8000-000000000005','default','owner',4.0,0,0,'a red ball','comfyui','',6,0,0,'',1796107141094,0,0,0,0,0);
CREATE TABLE job_texts (
  sequence   INTEGER PRIMARY KEY,
  prompt     TEXT NOT NULL,
  extra_data TEXT NOT NULL,
  targets    TEXT NOT NULL,
  models     TEXT NOT NULL,
  outputs    TEXT NOT NULL DEFAULT '',
  messages   TEXT NOT NULL DEFAULT ''
);
INSERT INTO job_texts VALUES(1,'{"1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"pocket-xl-base.safetensors"}},"2":{"class_type":"CLIPTextEncode","inputs":{"clip":["1",1],"text":"a red ball"}},"4":{"class_type":"EmptyLatentImage","inputs":{"width":64,"height":64,"batch_size":1}},"5":{"class_type":"KSampler","inputs":{"model":["1",0],"seed":1,"steps":1,"cfg":1.0,"sampler_name":"euler","scheduler":"normal","positive":["2",0],"negative":["2",0],"latent_image":["4",0],"denoise":1.0}},"6":{"class_type":"VAEDecode","inputs":{"samples":["5",0],"vae":["1",2]}},"7":{"class_type":"SaveImage","inputs":{"images":["6",0],"filename_prefix":"small"}}}','{"client_id":"c","create_time":1796107135059}','["7"]','["pocket-xl-base.safetensors"]','{"7":{"images":[{"filename":"small_00001_.png","subfolder":"","type":"output"}]}}','[["execution_start",{"prompt_id":"00000000-0000-4000-8000-000000000001","timestamp":1796107135060}],["execution_cached",{"nodes":[],"prompt_id":"00000000-0000-4000-8000-000000000001","timestamp":1796107135060}],["execution_success",{"prompt_id":"00000000-0000-4000-8000-000000000001","timestamp":1796107135695}]]');
INSERT INTO job_texts VALUES(2,'{"1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"pocket-xl-base.safetensors"}},"2":{"class_type":"CLIPTextEncode","inputs":{"clip":["1",1],"text":"a red ball"}},"4":{"class_type":"EmptyLatentImage","inputs":{"width":64,"height":64,"batch_size":1}},"5":{"class_type":"KSampler","inputs":{"model":["1",0],"seed":2,"steps":1,"cfg":1.0,"sampler_name":"euler","scheduler":"normal","positive":["2",0],"negative":["2",0],"latent_image":["4",0],"denoise":1.0}},"6":{"class_type":"VAEDecode","inputs":{"samples":["5",0],"vae":["1",2]}},"7":{"class_type":"SaveImage","inputs":{"images":["6",0],"filename_prefix":"small"}}}','{"x":1,"create_time":1796107138068}','["7"]','["pocket-xl-base.safetensors"]','{"7":{"images":[{"filename":"small_00002_.png","subfolder":"","type":"output"}]}}','[["execution_start",{"prompt_id":"00000000-0000-4000-8000-000000000002","timestamp":1796107138069}],["execution_cached",{"nodes":["1","2","4"],"prompt_id":"00000000-0000-4000-8000-000000000002","timestamp":1796107138069}],["execution_success",{"prompt_id":"00000000-0000-4000-8000-000000000002","timestamp":1796107138163}]]');
INSERT INTO job_texts VALUES(3,'{"1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"pocket-xl-base.safetensors"}},"2":{"class_type":"CLIPTextEncode","inputs":{"clip":["1",1],"text":"a red ball"}},"4":{"class_type":"EmptyLatentImage","inputs":{"width":64,"height":64,"batch_size":1}},"5":{"class_type":"KSampler","inputs":{"model":["1",0],"seed":3,"steps":5000,"cfg":1.0,"sampler_name":"euler","scheduler":"normal","positive":["2",0],"negative":["2",0],"latent_image":["4",0],"denoise":1.0}},"6":{"class_type":"VAEDecode","inputs":{"samples":["5",0],"vae":["1",2]}},"7":{"class_type":"SaveImage","inputs":{"images":["6",0],"filename_prefix":"small"}}}','{"create_time":1796107140091}','["7"]','["pocket-xl-base.safetensors"]','','');
INSERT INTO job_texts VALUES(4,'{"1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"pocket-xl-base.safetensors"}},"2":{"class_type":"CLIPTextEncode","inputs":{"clip":["1",1],"text":"a red ball"}},"4":{"class_type":"EmptyLatentImage","inputs":{"width":64,"height":64,"batch_size":1}},"5":{"class_type":"KSampler","inputs":{"model":["1",0],"seed":4,"steps":1,"cfg":1.0,"sampler_name":"euler","scheduler":"normal","positive":["2",0],"negative":["2",0],"latent_image":["4",0],"denoise":1.0}},"6":{"class_type":"VAEDecode","inputs":{"samples":["5",0],"vae":["1",2]}},"7":{"class_type":"SaveImage","inputs":{"images":["6",0],"filename_prefix":"small"}}}','{"create_time":1796107141093}','["7"]','["pocket-xl-base.safetensors"]','','');
INSERT INTO job_texts VALUES(5,'{"1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"pocket-xl-base.safetensors"}},"2":{"class_type":"CLIPTextEncode","inputs":{"clip":["1",1],"text":"a red ball"}},"4":{"class_type":"EmptyLatentImage","inputs":{"width":64,"height":64,"batch_size":1}},"5":{"class_type":"KSampler","inputs":{"model":["1",0],"seed":5,"steps":1,"cfg":1.0,"sampler_name":"euler","scheduler":"normal","positive":["2",0],"negative":["2",0],"latent_image":["4",0],"denoise":1.0}},"6":{"class_type":"VAEDecode","inputs":{"samples":["5",0],"vae":["1",2]}},"7":{"class_type":"SaveImage","inputs":{"images":["6",0],"filename_prefix":"small"}}}','{"create_time":1796107141094}','["7"]','["pocket-xl-base.safetensors"]','','');
CREATE TABLE results (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  job        TEXT NOT NULL,
  project    TEXT NOT NULL,
  node       TEXT NOT NULL,
  digest     TEXT NOT NULL,
  subfolder  TEXT NOT NULL,
  filename   TEXT NOT NULL,
  media_type TEXT NOT NULL,
  bytes      INTEGER NOT NULL,
  width      INTEGER NOT NULL,
  height     INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
);
INSERT INTO results VALUES(1,'00000000-0000-4000-8000-000000000001','default','7','ea48029d14fceca962460c87dcac5e6645fb5a627678796f251c7e4f28b8eb43','','small_00001_.png','image/png',8543,64,64,1796107135695);
INSERT INTO results VALUES(2,'00000000-0000-4000-8000-000000000002','default','7','27f84a82874d7b81d66d3c1b0abb273591bc7160e3efd4b2aa4c8ef63997855e','','small_00002_.png','image/png',9157,64,64,1796107138163);
CREATE TABLE projects (
  name       TEXT PRIMARY KEY,
  title      TEXT NOT NULL,
  created_ms INTEGER NOT NULL
);
INSERT INTO projects VALUES('default','',0);
CREATE TABLE users (
  name         TEXT PRIMARY KEY,
  role         TEXT NOT NULL,
  projects     TEXT NOT NULL,
  token_digest TEXT NOT NULL UNIQUE,
  created_ms   INTEGER NOT NULL
);
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms INTEGER NOT NULL,
  user    TEXT NOT NULL,
  project TEXT NOT NULL,
  action  TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail  TEXT NOT NULL
);
INSERT INTO audit VALUES(1,1796107135059,'owner','default','job.submit','00000000-0000-4000-8000-000000000001','{"models":["pocket-xl-base.safetensors"]}');
INSERT INTO audit VALUES(2,1796107135695,'owner','default','job.done','00000000-0000-4000-8000-000000000001','{"models":{"pocket-xl-base.safetensors":"19b0c20c3ebac1d954dbad25cdb230ce1d89f8c84f3d7582b7663f2939a67800"},"results":["ea48029d14fceca962460c87dcac5e6645fb5a627678796f251c7e4f28b8eb43"]}');
INSERT INTO audit VALUES(3,1796107138068,'owner','default','job.submit','00000000-0000-4000-8000-000000000002','{"models":["pocket-xl-base.safetensors"]}');
INSERT INTO audit VALUES(4,1796107138163,'owner','default','job.done','00000000-0000-4000-8000-000000000002','{"models":{"pocket-xl-base.safetensors":"19b0c20c3ebac1d954dbad25cdb230ce1d89f8c84f3d7582b7663f2939a67800"},"results":["27f84a82874d7b81d66d3c1b0abb273591bc7160e3efd4b2aa4c8ef63997855e"]}');
INSERT INTO audit VALUES(5,1796107140091,'owner','default','job.submit','00000000-0000-4000-8000-000000000003','{"models":["pocket-xl-base.safetensors"]}');
INSERT INTO audit VALUES(6,1796107141093,'owner','default','job.submit','00000000-0000-4000-8000-000000000004','{"models":["pocket-xl-base.safetensors"]}');
INSERT INTO audit VALUES(7,1796107141094,'owner','default','job.submit','00000000-0000-4000-8000-000000000005','{"models":["pocket-xl-base.safetensors"]}');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('jobs',5);
INSERT INTO sqlite_sequence VALUES('audit',7);
INSERT INTO sqlite_sequence VALUES('results',2);
CREATE INDEX results_of ON results (project, id);
CREATE INDEX results_of_job ON results (job);
CREATE INDEX results_by_digest ON results (project, digest);
CREATE INDEX audit_of ON audit (project, id);
CREATE INDEX jobs_queued ON jobs (number, sequence) WHERE state = 0;
CREATE INDEX jobs_queued_of ON jobs (project, number, sequence) WHERE state = 0;
CREATE INDEX jobs_running ON jobs (project) WHERE state = 1;
CREATE INDEX jobs_unfinished_of ON jobs (project, state DESC, number, sequence) WHERE state <= 1;
CREATE INDEX jobs_held_of ON jobs (project) WHERE state = 0 AND held = 1;
CREATE INDEX jobs_finished_of ON jobs (project, finished_ms, sequence, state) WHERE state >= 2;
COMMIT;
PRAGMA user_version=3;
