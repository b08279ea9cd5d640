// The page of Kolorit: starts its parts. Each part is a file, and hears of the others by desk.js.

import { startAdjust } from "./adjust.js";
import { startCompare } from "./compare.js";
import { $ } from "./dom.js";
import { startHintList } from "./hint_list.js";
import { startHintTools } from "./hint_tools.js";
import { startIntake } from "./intake.js";
import { startOthers } from "./others.js";
import { startPalette } from "./palette.js";
import { startPictures } from "./pictures.js";
import { startPromise } from "./promise.js";
import { startReference } from "./reference.js";
import { startSave } from "./save.js";
import { startSharp } from "./sharp.js";
import { startSpots } from "./spots.js";
import { startStage } from "./stage.js";
import { startStates } from "./states.js";
import { startStrip } from "./strip.js";
import { startSureness } from "./sureness.js";
import { startTools } from "./tools.js";
import { startZoom } from "./zoom.js";

const parts = [
  startStates, // first: it decides what is there at all, before others measure it
  startPromise,
  startPictures,
  startStage,
  startTools,
  startZoom,
  startCompare,
  startHintTools,
  startSpots,
  startPalette,
  startHintList,
  startAdjust,
  startSureness,
  startOthers,
  startReference,
  startSave,
  startSharp,
  startStrip,
  startIntake,
];
for (const start of parts) start();
$("page").hidden = false;
