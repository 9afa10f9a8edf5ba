// What the page fetches: the bundled model, and a picture.
import { cpSync } from "node:fs";

cpSync("node_modules/gradcam/models/efficientnet-lite0", "public/models/efficientnet-lite0", { recursive: true });
cpSync("../images/cat-and-cup.jpg", "public/photo.jpg");
