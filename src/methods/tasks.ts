/** @file The tasks of methods that do not answer all: their names, as `gradcam methods` lists them. */

/** Tasks whose questions are about scores of the whole picture. */
export const ofWholePictures = [
  ...["classification", "regression", "embedding", "similarity", "zero-shot-classification", "question-answering"],
  ...["video-classification", "other"],
] as const;

/** And those whose questions are sums of elements of the outputs: all but the words of a sentence. */
export const ofAllButWords = [
  ...ofWholePictures,
  ...["detection", "segmentation", "instance-segmentation", "text-recognition", "text-detection", "keypoints", "depth"],
] as const;
