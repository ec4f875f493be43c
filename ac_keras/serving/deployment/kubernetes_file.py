"""What starts TensorFlow Serving in a Kubernetes cluster."""

from ac_keras.serving.deployment.server_config import fill

KUBERNETES_FILE = "kubernetes.yaml"

_KUBERNETES = """\
# Serves {model_name} in a Kubernetes cluster, 1.20 or later:
#
#   kubectl apply --filename {kubernetes_file}
#   kubectl port-forward service/{service} {rest}:{rest}
#   curl http://localhost:{rest}/v1/models/{model_name}
#
# The claim's volume is empty at first. Copy what this folder holds to its top,
# readable by all users, from any pod that mounts it for writing. A running
# server takes a folder as soon as its name is a number: copy a version under
# another name and rename it when it is complete.
#
# Written for TensorFlow Serving {version}. A server runs the models of its own
# version of TensorFlow and of earlier ones. The image is for x86-64.
# {kept}
apiVersion: "v1"
kind: "PersistentVolumeClaim"
metadata:
  name: "{service}-model"
spec:
  # Replicas on several nodes need ReadOnlyMany or ReadWriteMany, which not
  # every storage class has.
  accessModes:
    - "ReadWriteOnce"
  resources:
    requests:
      storage: "1Gi"
---
apiVersion: "v1"
kind: "Service"
metadata:
  name: "{service}"
spec:
  selector:
    app: "{service}"
  ports:
    - name: "grpc"
      port: {grpc}
      targetPort: "grpc"
    - name: "rest"
      port: {rest}
      targetPort: "rest"
---
apiVersion: "apps/v1"
kind: "Deployment"
metadata:
  name: "{service}"
spec:
  replicas: 1
  selector:
    matchLabels:
      app: "{service}"
  template:
    metadata:
      labels:
        app: "{service}"
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65534
        runAsGroup: 65534
        seccompProfile:
          type: "RuntimeDefault"
      containers:
        - name: "tensorflow-serving"
          image: "{image}"
          args:
            - "--model_config_file={mount}/{models_config}"
            # More clips/s, but a refused request takes along those that were
            # merged with it, and predict_frames is refused:
            # - "--enable_batching=true"
            # - "--batching_parameters_file={mount}/{batching_config}"
          ports:
            - name: "grpc"
              containerPort: {grpc}
            - name: "rest"
              containerPort: {rest}
          # Nothing listens before the first version is loaded and warm. The
          # server tries five times more, a minute apart, then exits.
          startupProbe:
            httpGet:
              path: "/v1/models/{model_name}"
              port: "rest"
            periodSeconds: 5
            failureThreshold: 120
          # 404 where no version is loaded.
          readinessProbe:
            httpGet:
              path: "/v1/models/{model_name}/metadata"
              port: "rest"
            periodSeconds: 5
            timeoutSeconds: 5
          # 200 from a server that answers, even where a later version failed
          # to load: the earlier one is then still served.
          livenessProbe:
            httpGet:
              path: "/v1/models/{model_name}"
              port: "rest"
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 6
          # No limit of CPUs: the server starts a thread for each CPU of the
          # node, and a limit would stop them in turn.
          resources:
            requests:
              cpu: "1"
              memory: "1Gi"
            limits:
              memory: "4Gi"
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - "ALL"
          volumeMounts:
            - name: "model"
              mountPath: "{mount}"
              readOnly: true
            - name: "tmp"
              mountPath: "/tmp"
      volumes:
        - name: "model"
          persistentVolumeClaim:
            claimName: "{service}-model"
        - name: "tmp"
          emptyDir:
            sizeLimit: "64Mi"
"""


def kubernetes_file(model_name: str, service: str, image: str) -> str:
    """Gives a Deployment, its Service and the claim of its volume.

    Args:
        model_name: The name under which clients ask for the model.
        service: The name of Deployment and Service.
        image: The container's image, with its tag.

    Returns:
        YAML of three documents.
    """
    return fill(
        _KUBERNETES,
        model_name,
        service=service,
        image=image,
        kubernetes_file=KUBERNETES_FILE,
    )
