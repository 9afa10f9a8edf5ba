package gradcam;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Runs a compiled model and prints, as JSON on one line, the class that it explains and the map.
 *
 * <p>Arguments: the model, a file of little-endian float32 numbers, their shape (1,3,224,224), and a class (-1 for the best).
 */
public final class RunCompiled {
  private static final String TARGET = "gradcam_target";

  public static void main(String[] args) throws OrtException, IOException {
    long[] shape = Arrays.stream(args[2].split(",")).mapToLong(Long::parseLong).toArray();
    FloatBuffer image = ByteBuffer.wrap(Files.readAllBytes(Path.of(args[1]))).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    long[] asked = {Long.parseLong(args[3])};

    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        OnnxTensor pixels = OnnxTensor.createTensor(environment, image, shape);
        OnnxTensor target = OnnxTensor.createTensor(environment, asked)) {
      // A class input that may be left out is no input to this API: its value belongs to the session.
      if (asked[0] >= 0 && !takesTarget(environment, args[0])) options.addInitializer(TARGET, target);
      try (OrtSession session = environment.createSession(args[0], options)) {
        Map<String, OnnxTensor> feeds = new HashMap<>();
        for (String name : session.getInputNames()) feeds.put(name, name.equals(TARGET) ? target : pixels);
        try (OrtSession.Result result = session.run(feeds)) {
          OnnxTensor map = (OnnxTensor) result.get("gradcam_map").orElseThrow();
          long[] explained = (long[]) result.get("gradcam_class").orElseThrow().getValue();
          FloatBuffer values = map.getFloatBuffer();
          float[] numbers = new float[values.remaining()];
          values.get(numbers);
          System.out.printf(
              "{\"class\":%s,\"shape\":%s,\"values\":%s}%n",
              Arrays.toString(explained), Arrays.toString(map.getInfo().getShape()), Arrays.toString(numbers));
        }
      }
    }
  }

  private static boolean takesTarget(OrtEnvironment environment, String model) throws OrtException {
    try (OrtSession session = environment.createSession(model)) {
      return session.getInputNames().contains(TARGET);
    }
  }
}
